import { execFile } from "node:child_process";
import { cp, rm, statfs } from "node:fs/promises";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** A disk of its own under a folder. */
export interface SmallDisk {
  /** Leaves no byte free. */
  fill(): Promise<void>;
  /** Makes room again. */
  relieve(): Promise<void>;
  remove(): Promise<void>;
}

/** Puts a folder, with what is in it, on a disk of its own. Only root may. */
export async function mountSmallDisk(folder: string): Promise<SmallDisk> {
  const remount = (size: string) => execute("mount", ["-o", `remount,size=${size}`, folder]);
  const aside = `${folder}-aside`;
  await cp(folder, aside, { recursive: true });
  await execute("mount", ["-t", "tmpfs", "-o", "size=64m", "dbkeeper-small", folder]);
  await cp(aside, folder, { recursive: true });
  await rm(aside, { recursive: true });
  return {
    async fill() {
      // More may be written between the two steps, so that the size is too small to be taken.
      for (let attempt = 1; ; attempt++) {
        try {
          await remount(`${await usedKibibytes(folder)}k`);
          return;
        } catch (error) {
          if (attempt === 50) throw error;
        }
      }
    },
    async relieve() {
      await remount("64m");
    },
    async remove() {
      await execute("umount", ["--lazy", folder]);
    },
  };
}

async function usedKibibytes(folder: string): Promise<number> {
  const { blocks, bfree, bsize } = await statfs(folder);
  // A size of nothing would be no limit.
  return Math.max(4, ((blocks - bfree) * bsize) / 1024);
}

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { isMissing, writeFileAtomic } from "../lib/files.ts";
import { guestRecipe, recipeHash } from "./recipe.ts";

/** How {@link buildImage} works. */
export interface BuildOptions {
  /** Cache shared by checkouts; the image goes into its folder `image`. */
  cacheDir: string;
  /** Hears each step as it begins. */
  onProgress?: (message: string) => void;
  /** Debian mirror; default debootstrap's own. */
  mirror?: string;
}

/** The guest image: a squashfs of a complete root file system. */
export interface GuestImage {
  path: string;
  sha256: string;
  sizeBytes: number;
}

/**
 * The guest image of the current recipe, built on first use (about two minutes) and cached afterwards. Two
 * callers at the same time build it once. Needs root, debootstrap, mksquashfs, unshare and flock; fails with
 * the step, the program's own last lines and nothing left mounted.
 */
export async function buildImage(options: BuildOptions): Promise<GuestImage> {
  const folder = join(options.cacheDir, "image");
  const target = join(folder, `${recipeHash(guestRecipe)}.squashfs`);
  const built = await existing(target);
  if (built !== undefined) return built;
  if (process.getuid?.() !== 0) {
    throw new Error("the guest image is built as root (debootstrap, chroot); run it as root or with sudo");
  }
  await mkdir(folder, { recursive: true });
  await buildUnderLock(target, folder, options);
  const image = await existing(target);
  if (image === undefined) throw new Error(`the image was built but ${target} is not there`);
  return image;
}

async function buildUnderLock(target: string, folder: string, options: BuildOptions): Promise<void> {
  options.onProgress?.("wait for another build of the image to end, if there is one");
  // flock's lock ends with the process tree, so a killed build never blocks the next one.
  const inside = fileURLToPath(new URL("./build-root.ts", import.meta.url));
  const namespaces = [
    "--mount",
    "--propagation",
    "private",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
  ];
  const child = execa(
    "flock",
    [join(folder, "lock"), "unshare", ...namespaces, process.execPath, inside].concat([
      target,
      join(folder, "work"),
      options.mirror ?? "",
    ]),
    { reject: false, stdin: "ignore", buffer: { stdout: false } },
  );
  for await (const line of child.iterable()) options.onProgress?.(line);
  const result = await child;
  if (result.exitCode !== 0) {
    throw new Error(`the guest image could not be built: ${result.stderr || result.message}`);
  }
}

async function existing(path: string): Promise<GuestImage | undefined> {
  let sizeBytes: number;
  try {
    sizeBytes = (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  const beside = `${path}.sha256`;
  try {
    const [sha256] = (await readFile(beside, "utf8")).split(" ");
    if (sha256 !== undefined && /^[0-9a-f]{64}$/.test(sha256)) return { path, sha256, sizeBytes };
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  const sha256 = await sha256OfFile(path);
  await writeFileAtomic(beside, `${sha256}  ${path.slice(path.lastIndexOf("/") + 1)}\n`);
  return { path, sha256, sizeBytes };
}

/** SHA-256 of a file's content in hex. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  return hash.digest("hex");
}

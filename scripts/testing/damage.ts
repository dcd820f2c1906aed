import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { hashFile } from "../dump/file.ts";
import { filesOf, type Manifest, manifestFile, writeManifest } from "../runs/manifest.ts";
import type { Run } from "../runs/runs.ts";

/** What happens to a file. */
export type Damage =
  | { kind: "flip"; at: number; mask: number }
  | { kind: "cut"; sizeBytes: number }
  | { kind: "remove" };

/** Damages a file whose content was `content`. */
export async function damageFile(path: string, content: Buffer, damage: Damage): Promise<void> {
  if (damage.kind === "remove") return await rm(path);
  if (damage.kind === "cut") return await writeFile(path, content.subarray(0, damage.sizeBytes));
  const changed = Buffer.from(content);
  changed[damage.at] = (changed[damage.at] ?? 0) ^ damage.mask;
  await writeFile(path, changed);
}

/** All files of a run in memory, by name, and the way back to them. */
export interface Pristine {
  contents: ReadonlyMap<string, Buffer>;
  restore(...files: string[]): Promise<void>;
}

/** Remembers a run as it is. */
export async function remember(run: Run): Promise<Pristine> {
  const names = [manifestFile, ...filesOf(run.manifest).map(({ file }) => file)];
  const contents = new Map<string, Buffer>();
  for (const name of names) contents.set(name, await readFile(join(run.folder, name)));
  return {
    contents,
    async restore(...files) {
      for (const file of files) await writeFile(join(run.folder, file), contents.get(file) ?? "");
    },
  };
}

/** Writes the digests of what is there now, as if the damage had come before the digests were taken. */
export async function forgeDigests({ folder, manifest }: Run): Promise<Manifest> {
  const never = new AbortController().signal;
  const digestOf = async (file: string) => ({ file, ...(await hashFile(join(folder, file), never)) });
  const forged: Manifest = {
    ...manifest,
    globals: await digestOf(manifest.globals.file),
    databases: await Promise.all(
      manifest.databases.map(async (entry) => ({
        ...entry,
        files: await Promise.all(entry.files.map(({ file }) => digestOf(file))),
      })),
    ),
  };
  await writeManifest(folder, forged);
  return forged;
}

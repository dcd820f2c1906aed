import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { copyFile, link, mkdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import { readJson, syncFolder, writeJson } from "../lib/files.ts";

/** Names are one path segment: nothing can be registered, or asked for, outside the folder. */
export const fileNamePattern = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,199}$/;

const entrySchema = z.object({
  file: z.string().regex(fileNamePattern),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  sizeBytes: z.int().nonnegative(),
  /** Modification time of the source when it was hashed; with the size it tells whether to hash again. */
  sourceModifiedMs: z.number(),
});
const indexSchema = z.record(z.string(), entrySchema);

/** A file that the mirror serves, with what its users need to check it. */
export type MirrorEntry = z.infer<typeof entrySchema>;

/** The index of a mirror folder by name; empty where nothing was registered. */
export async function readIndex(folder: string): Promise<Record<string, MirrorEntry>> {
  return indexSchema.parse((await readJson(join(folder, "index.json"))) ?? {});
}

const registering = new Map<string, Promise<unknown>>();

/**
 * Makes a file available under a name, by hard link where the file system allows it, else as a copy, and says its
 * checksum. Hashes only when size or modification time differ from the last time. Calls for one folder within this
 * process may run side by side. Fails where the source is missing or the name is not one plain path segment.
 */
export function registerBinary(folder: string, name: string, sourcePath: string): Promise<MirrorEntry> {
  const before = registering.get(folder) ?? Promise.resolve();
  const result = before.catch(() => {}).then(() => register(folder, name, sourcePath));
  registering.set(folder, result);
  return result;
}

async function register(folder: string, name: string, sourcePath: string): Promise<MirrorEntry> {
  if (!fileNamePattern.test(name) || name === "index.json") {
    throw new Error(`"${name}" cannot be the name of a mirrored file: use letters, digits and . _ + -`);
  }
  await mkdir(folder, { recursive: true });
  const index = await readIndex(folder);
  const source = await stat(sourcePath);
  const known = index[name];
  const target = join(folder, name);
  const isSame = known?.sizeBytes === source.size && known.sourceModifiedMs === source.mtimeMs;
  if (known !== undefined && isSame && (await sizeOf(target)) === source.size) return known;

  const temporary = join(folder, `.${randomBytes(4).toString("hex")}.tmp`);
  try {
    await link(sourcePath, temporary).catch(() => copyFile(sourcePath, temporary));
    // Hash what is served: the source may be replaced meanwhile.
    const hash = createHash("sha256");
    await pipeline(createReadStream(temporary), hash);
    const { size } = await stat(temporary);
    const entry = {
      file: name,
      sha256: hash.digest("hex"),
      sizeBytes: size,
      sourceModifiedMs: source.mtimeMs,
    };
    await rename(temporary, target);
    await syncFolder(folder);
    await writeJson(join(folder, "index.json"), { ...index, [name]: entry });
    return entry;
  } finally {
    // Also after the rename: renaming one hard link over another of the same file leaves both names.
    await rm(temporary, { force: true });
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ size }) => size,
    () => undefined,
  );
}

import { open } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../config.ts";
import { hashFile } from "../dump/file.ts";
import { globalsEnding } from "../dump/globals.ts";
import { readDumpFile } from "../encryption/encryption.ts";
import { Failure, kindOf, messageOf } from "../exit-codes.ts";
import type { RunFile } from "../runs/manifest.ts";
import type { Run } from "../runs/runs.ts";
import { hasCode } from "../system/files.ts";

/** Holds a file of a run against its size and SHA-256 in the manifest. Fails as `verification`. */
export async function checkFile(folder: string, expected: RunFile, signal: AbortSignal): Promise<void> {
  const actual = await hashFile(join(folder, expected.file), signal).catch((error: unknown) => {
    throw hasCode(error, "ENOENT") ? new Failure("verification", `${expected.file} is missing`) : error;
  });
  if (actual.sizeBytes !== expected.sizeBytes) {
    throw new Failure(
      "verification",
      `${expected.file} has ${actual.sizeBytes} bytes instead of ${expected.sizeBytes}`,
    );
  }
  if (actual.sha256 !== expected.sha256) {
    throw new Failure("verification", `${expected.file} has another SHA-256 than when it was written`);
  }
}

const magicNumbers: Readonly<Record<string, string>> = { gz: "1f8b08", zst: "28b52ffd", lz4: "04224d18" };

/**
 * Finds what pg_restore does not: it takes an empty compressed file of a directory for an empty table, and one that
 * does not begin as it should for rows that were not compressed. Fails as `verification`.
 */
export async function checkBeginnings(folder: string, files: readonly RunFile[]): Promise<void> {
  for (const { file } of files) {
    const magic = magicNumbers[file.split(".").at(-1) ?? ""];
    if (magic === undefined) continue;
    const length = magic.length / 2;
    const handle = await open(join(folder, file), "r");
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, 0);
      if (bytesRead === length && buffer.toString("hex") === magic) continue;
    } finally {
      await handle.close();
    }
    throw new Failure("verification", `${file} does not begin as a compressed file does`);
  }
}

/**
 * Holds the globals, and the passwords beside them, against the manifest; above the level `checksum` also reads
 * the globals to their last line, which takes the key where they are encrypted. Returns why they are not good.
 */
export async function checkGlobals(
  run: Run,
  config: Config,
  { reads, signal }: { reads: boolean; signal: AbortSignal },
): Promise<string | null> {
  const { encryption, globals, rolePasswords } = run.manifest;
  try {
    await checkFile(run.folder, globals, signal);
    if (rolePasswords !== null) await checkFile(run.folder, rolePasswords, signal);
    if (encryption !== null && !reads) return null;
    const text = await readDumpFile(run, globals.file, config, signal);
    return text.includes(globalsEnding) ? null : `${globals.file} does not end with "${globalsEnding}"`;
  } catch (error) {
    signal.throwIfAborted();
    if (kindOf(error) === "preflight") throw error;
    return messageOf(error);
  }
}

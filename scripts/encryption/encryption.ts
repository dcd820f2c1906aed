import { open } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../config.ts";
import { Failure, messageOf } from "../exit-codes.ts";
import type { Run } from "../runs/runs.ts";
import { readOutput, type Stage } from "../system/child.ts";
import { requirePrivateFile } from "../system/files.ts";

/** What is added to the name of an encrypted file. */
export const encryptedExtension = ".age";

const env = { PATH: process.env.PATH ?? "/usr/local/bin:/usr/bin:/bin", LC_ALL: "C.UTF-8" };

/** The program that encrypts standard input for everybody who is configured; nothing where nobody is. */
export function encryptStages({ encryption }: Pick<Config, "encryption">): Stage[] {
  if (encryption === undefined) return [];
  return [
    { file: "age", args: encryption.recipients.flatMap((recipient) => ["--recipient", recipient]), env },
  ];
}

/** A file of a run, and the programs that make of it what it was before it was encrypted. */
export interface OpenedFile {
  /** What the first program reads from standard input. */
  path: string;
  /** None where the run is not encrypted. */
  stages: Stage[];
}

/**
 * How to read a file of a run. Fails as `preflight` where the run is encrypted and no usable private key is
 * configured (`encryption.identityFile`).
 */
export async function openDumpFile(
  run: Pick<Run, "folder" | "manifest">,
  file: string,
  { encryption }: Pick<Config, "encryption">,
): Promise<OpenedFile> {
  const path = join(run.folder, file);
  if (run.manifest.encryption === null) return { path, stages: [] };
  const identityFile = encryption?.identityFile;
  if (identityFile === undefined) {
    throw new Failure(
      "preflight",
      `the run is encrypted for ${run.manifest.encryption.recipients.join(", ")}; set encryption.identityFile to a file with the private key of one of them`,
    );
  }
  await requirePrivateFile(identityFile, "encryption.identityFile");
  return { path, stages: [{ file: "age", args: ["--decrypt", "--identity", identityFile], env }] };
}

/** The text of a small file of a run, such as the globals. Fails like {@link openDumpFile}. */
export async function readDumpFile(
  run: Pick<Run, "folder" | "manifest">,
  file: string,
  config: Pick<Config, "encryption">,
  signal: AbortSignal,
): Promise<string> {
  const { path, stages } = await openDumpFile(run, file, config);
  const handle = await open(path, "r");
  try {
    if (stages.length === 0) return await handle.readFile("utf8");
    return await readOutput(stages, { inputFd: handle.fd, signal });
  } finally {
    await handle.close();
  }
}

/** Refuses as `preflight` where age cannot encrypt for the configured recipients. */
export async function requireEncryption(
  config: Pick<Config, "encryption">,
  signal: AbortSignal,
): Promise<void> {
  const stages = encryptStages(config);
  if (stages.length === 0) return;
  try {
    await readOutput(stages, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw new Failure(
      "preflight",
      `cannot encrypt (${messageOf(error)}); install the package age and check encryption.recipients`,
      { cause: error },
    );
  }
}

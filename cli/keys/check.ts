import { type EncryptionKey, parseEncryptionKey } from "../../infra/backup/encryption-key.ts";
import { formatTable, type TextStream } from "../terminal.ts";
import { readKeyFile } from "./key-file.ts";
import type { KeyStack } from "./stack.ts";

/** What a file of keys is worth for one storage. */
export interface KeyFinding {
  readonly storage: string;
  /** Undefined where the file opens the storage's backups. */
  readonly problem: string | undefined;
  /** The name of the storage's key; never the key. */
  readonly fingerprint: string | undefined;
}

/** Prints what a file of keys is worth and gives the exit code: 0 only where it opens the backups of every storage. */
export async function checkKeys(
  stack: KeyStack,
  file: string,
  stream: TextStream = process.stdout,
): Promise<number> {
  const escrowed = await readKeyFile(file);
  const ofStack = await stack.keys();
  const findings: KeyFinding[] = [];
  for (const [storage, key] of Object.entries(ofStack)) {
    findings.push(compareKeys(storage, escrowed.keys[storage], key, await stack.fingerprintOf(storage)));
  }
  stream.write(
    formatTable(findings, [
      { title: "STORAGE", value: ({ storage }) => storage },
      {
        title: "KEY",
        value: ({ problem }) => problem ?? "ok",
        style: ({ problem }) => (problem === undefined ? "green" : "red"),
      },
      { title: "FINGERPRINT", value: ({ fingerprint }) => fingerprint?.slice(0, 23) },
    ]),
  );
  return findings.every(({ problem }) => problem === undefined) ? 0 : 1;
}

/**
 * @param escrowed the key file that was kept; undefined where it is not among them
 * @param ofStack the same as the stack has it
 * @param inUse the fingerprint that the cluster names
 */
export function compareKeys(
  storage: string,
  escrowed: string | undefined,
  ofStack: string,
  inUse: string | undefined,
): KeyFinding {
  const finding = (problem: string | undefined): KeyFinding => ({ storage, problem, fingerprint: inUse });
  if (escrowed === undefined) return finding("missing in the file");
  const kept = keyOf(escrowed);
  if (kept === undefined) return finding("damaged in the file");
  if (inUse === undefined) return finding("the cluster has no such storage, or it does not encrypt");
  // PVE names a key without a fingerprint "1".
  if ((kept.fingerprint ?? "1") !== inUse)
    return finding(`the storage uses another key than the file has, ${kept.fingerprint}`);
  if (keyOf(ofStack)?.data !== kept.data) return finding("the stack has another key than the file");
  return finding(undefined);
}

function keyOf(text: string): EncryptionKey | undefined {
  try {
    return parseEncryptionKey(text);
  } catch {
    return undefined;
  }
}

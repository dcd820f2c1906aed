import { type EncryptionKey, parseEncryptionKey } from "../../infra/backup/encryption-key.ts";
import { type EscrowRecord, passphraseFingerprint, passphraseName } from "../../infra/backup/key-escrow.ts";
import { formatTable, type TextStream } from "../terminal.ts";
import { readKeyFile } from "./key-file.ts";
import type { KeyStack } from "./stack.ts";

/** What a file of keys is worth for one storage, or for the physical backups of a cluster. */
export interface KeyFinding {
  readonly storage: string;
  /** Undefined where the file opens the backups. */
  readonly problem: string | undefined;
  /** The name of the key; never the key. */
  readonly fingerprint: string | undefined;
}

export interface CheckOptions {
  /** Write into the stack that the keys were checked, where all of them fit. */
  readonly isRecorded?: boolean;
  readonly now?: Date;
  readonly stream?: TextStream;
}

/**
 * Prints what a file of keys is worth and gives the exit code: 0 only where it opens the backups of every storage and
 * every cluster.
 */
export async function checkKeys(
  stack: KeyStack,
  file: string,
  { isRecorded = false, now = new Date(), stream = process.stdout }: CheckOptions = {},
): Promise<number> {
  const escrowed = await readKeyFile(file);
  const ofStack = await stack.keys();
  const findings: KeyFinding[] = [];
  for (const [storage, key] of Object.entries(ofStack)) {
    findings.push(compareKeys(storage, escrowed.keys[storage], key, await stack.fingerprintOf(storage)));
  }
  for (const [cluster, passphrase] of Object.entries(await stack.passphrases())) {
    findings.push(comparePassphrases(cluster, escrowed.passphrases[cluster], passphrase));
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
  if (findings.some(({ problem }) => problem !== undefined)) return 1;
  if (isRecorded) {
    await stack.record(recordOf(findings, now));
    stream.write(
      `Recorded in the configuration of stack ${stack.name}: commit it, and run \`pulumi up\`, which tells Prometheus.\n`,
    );
  }
  return 0;
}

function recordOf(findings: readonly KeyFinding[], now: Date): EscrowRecord {
  const checkedAt = now.toISOString();
  return Object.fromEntries(
    findings.flatMap(({ storage, fingerprint }) =>
      fingerprint === undefined ? [] : [[storage, { checkedAt, fingerprint }]],
    ),
  );
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

/** What the stack has is what was delivered: pgBackRest itself names no key. */
function comparePassphrases(cluster: string, escrowed: string | undefined, ofStack: string): KeyFinding {
  const finding = { storage: passphraseName(cluster), fingerprint: passphraseFingerprint(ofStack) };
  if (escrowed === undefined) return { ...finding, problem: "missing in the file" };
  if (escrowed !== ofStack) return { ...finding, problem: "the stack has another passphrase than the file" };
  return { ...finding, problem: undefined };
}

function keyOf(text: string): EncryptionKey | undefined {
  try {
    return parseEncryptionKey(text);
  } catch {
    return undefined;
  }
}

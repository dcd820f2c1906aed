import { createHash } from "node:crypto";
import { z } from "zod";
import { parseEncryptionKey } from "./encryption-key.ts";

/**
 * When somebody last saw that the kept copy of a key fits, and which key that was: by storage, and for the passphrase of
 * a cluster's physical backups by {@link passphraseName}.
 */
export const escrowRecord = z.record(
  z.string(),
  z.strictObject({
    checkedAt: z.iso.datetime(),
    /** {@link fingerprintOf} the key, or {@link passphraseFingerprint}. */
    fingerprint: z.string(),
  }),
);
export type EscrowRecord = z.output<typeof escrowRecord>;

/** What a cluster calls a key; a key without a fingerprint is "1" there. Undefined for what is no key. */
function fingerprintOf(keyFile: string): string | undefined {
  try {
    return parseEncryptionKey(keyFile).fingerprint ?? "1";
  } catch {
    return undefined;
  }
}

export function passphraseName(cluster: string): string {
  return `pgbackrest-${cluster}`;
}

/** Tells nothing of the passphrase: it is generated, and too long to be guessed. */
export function passphraseFingerprint(passphrase: string): string {
  const digest = createHash("sha256").update(passphrase).digest("hex");
  return digest.match(/../g)?.join(":") ?? digest;
}

/** When each key that is in use now was last checked, as Unix time in seconds; 0 where that never was. */
export function escrowChecks(
  keyFiles: Readonly<Record<string, string>>,
  passphrases: Readonly<Record<string, string>>,
  record: EscrowRecord,
): Record<string, number> {
  const inUse = [
    ...Object.entries(keyFiles).map(([storage, keyFile]) => [storage, fingerprintOf(keyFile)] as const),
    ...Object.entries(passphrases).map(
      ([cluster, passphrase]) => [passphraseName(cluster), passphraseFingerprint(passphrase)] as const,
    ),
  ];
  return Object.fromEntries(
    inUse.map(([name, fingerprint]) => {
      const found = record[name];
      // A check of another key says nothing of this one.
      const holds = found !== undefined && found.fingerprint === fingerprint;
      return [name, holds ? Math.floor(Date.parse(found.checkedAt) / 1000) : 0];
    }),
  );
}

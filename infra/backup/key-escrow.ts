import { z } from "zod";
import { parseEncryptionKey } from "./encryption-key.ts";

/** When somebody last saw that the kept copy of a storage's key fits, and which key that was. */
export const escrowRecord = z.record(
  z.string(),
  z.strictObject({
    checkedAt: z.iso.datetime(),
    /** {@link fingerprintOf} the key. */
    fingerprint: z.string(),
  }),
);
export type EscrowRecord = z.output<typeof escrowRecord>;

/** What a cluster calls a key; a key without a fingerprint is "1" there. Undefined for what is no key. */
export function fingerprintOf(keyFile: string): string | undefined {
  try {
    return parseEncryptionKey(keyFile).fingerprint ?? "1";
  } catch {
    return undefined;
  }
}

/** When the key that each storage has now was last checked, as Unix time in seconds; 0 where that never was. */
export function escrowChecks(
  keyFiles: Readonly<Record<string, string>>,
  record: EscrowRecord,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(keyFiles).map(([storage, keyFile]) => {
      const { checkedAt, fingerprint } = record[storage] ?? {};
      // A check of another key says nothing of this one.
      const holds = checkedAt !== undefined && fingerprint === fingerprintOf(keyFile);
      return [storage, holds ? Math.floor(Date.parse(checkedAt) / 1000) : 0];
    }),
  );
}

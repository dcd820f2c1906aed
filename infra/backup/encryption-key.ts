import { z } from "zod";

/** A key for backups as `proxmox-backup-client key create --kdf none` writes it and Proxmox VE keeps it. */
export interface EncryptionKey {
  /** 32 bytes in base64. Secret. */
  readonly data: string;
  /** As the storage and every backup made with it name it; absent in key files of old versions. */
  readonly fingerprint: string | undefined;
}

const keyFile = z.looseObject({
  kdf: z.null("it is protected by a passphrase, and a node has nobody to ask for one").optional(),
  data: z
    .string("it has no key under `data`")
    .refine((data) => Buffer.from(data, "base64").length === 32, "its key has not 32 bytes in base64"),
  fingerprint: z.string().nullish(),
});

/**
 * Reads a key file.
 * @throws Error saying what is wrong with it; the message holds nothing of it.
 */
export function parseEncryptionKey(text: string): EncryptionKey {
  const result = keyFile.safeParse(jsonOf(text));
  if (result.success) {
    const { data, fingerprint } = result.data;
    return { data, fingerprint: fingerprint ?? undefined };
  }
  const [issue] = result.error.issues;
  throw new Error(issue?.path.length === 0 ? "it is no key file in JSON" : issue?.message);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

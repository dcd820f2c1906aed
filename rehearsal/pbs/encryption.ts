import { createCipheriv, createDecipheriv, createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import type { Manifest } from "./archive.ts";

/**
 * What a client does with its key; the server never has it.
 *
 * A nonce is a keyed hash of the content, so the same content becomes the same bytes under the same key: encrypted
 * backups are deduplicated too, and no nonce serves two contents.
 */
export interface Encryption {
  /** Names the key without giving it away: `aa:bb:…`, 32 bytes. */
  readonly fingerprint: string;
  seal(content: Uint8Array): Buffer;
  /** Fails when the key is another one or the bytes were changed. */
  open(sealed: Uint8Array): Buffer;
  sign(manifest: Manifest): string;
  /** Whether a manifest is as this key's owner wrote it. */
  verifies(manifest: Manifest): boolean;
}

const nonceBytes = 12;
const tagBytes = 16;

/** @param key 32 bytes for AES-256-GCM. */
export function encryptionOf(key: Buffer): Encryption {
  if (key.length !== 32) throw new Error(`an encryption key has 32 bytes, this one has ${key.length}`);
  const derived = (purpose: string) => Buffer.from(hkdfSync("sha256", key, "", purpose, 32));
  const [contentKey, nonceKey, signatureKey] = [derived("content"), derived("nonce"), derived("signature")];
  const sign = (manifest: Manifest) =>
    createHmac("sha256", signatureKey).update(signedText(manifest)).digest("hex");
  return {
    fingerprint: derived("fingerprint").toString("hex").match(/../g)?.join(":") ?? "",
    seal(content) {
      const nonce = createHmac("sha256", nonceKey).update(content).digest().subarray(0, nonceBytes);
      const cipher = createCipheriv("aes-256-gcm", contentKey, nonce, { authTagLength: tagBytes });
      const sealed = Buffer.concat([cipher.update(content), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
    },
    open(sealed) {
      const nonce = sealed.subarray(0, nonceBytes);
      const decipher = createDecipheriv("aes-256-gcm", contentKey, nonce, { authTagLength: tagBytes });
      decipher.setAuthTag(sealed.subarray(nonceBytes, nonceBytes + tagBytes));
      return Buffer.concat([decipher.update(sealed.subarray(nonceBytes + tagBytes)), decipher.final()]);
    },
    sign,
    verifies(manifest) {
      const given = Buffer.from(manifest.signature ?? "", "hex");
      const wanted = Buffer.from(sign(manifest), "hex");
      return given.length === wanted.length && timingSafeEqual(given, wanted);
    },
  };
}

function signedText(manifest: Manifest): string {
  const { "backup-type": type, "backup-id": id, "backup-time": time } = manifest;
  const files = manifest.files.map((file) => [file.filename, file.size, file.csum, file["crypt-mode"]]);
  return JSON.stringify([type, id, time, files]);
}

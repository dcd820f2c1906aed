import { createHash } from "node:crypto";

/**
 * Adds to a JSON object, as `JSON.stringify(…, null, 1)` writes it, the SHA-256 of that text as its last
 * property, `sha256`. Every byte of the result is covered: {@link unseal} refuses it when any of them changes.
 */
export function seal(json: string): string {
  const body = json.replace(/\n\}\n?$/, "");
  return `${body}${tailOf(createHash("sha256").update(body).digest("hex"))}`;
}

/** The JSON text that {@link seal} was given. Fails where it is not sealed, was cut short or changed. */
export function unseal(sealed: Buffer): string {
  const length = tailOf("0".repeat(64)).length;
  const body = sealed.subarray(0, Math.max(0, sealed.length - length));
  const tail = tailOf(createHash("sha256").update(body).digest("hex"));
  if (!sealed.subarray(body.length).equals(Buffer.from(tail))) {
    throw new Error("it is cut short, or was changed after it was written (its own sha256 does not match)");
  }
  return `${body.toString("utf8")}\n}`;
}

function tailOf(sha256: string): string {
  return `,\n "sha256": "${sha256}"\n}\n`;
}

import { createPrivateKey, createPublicKey, hkdfSync } from "node:crypto";

/** A key pair of age in the form in which its programs take it. */
export interface AgeIdentity {
  /** The private key: `AGE-SECRET-KEY-1…`. */
  readonly identity: string;
  /** The public key: `age1…`. */
  readonly recipient: string;
}

/** What stands before the 32 bytes of an X25519 private key in PKCS #8 (RFC 8410). */
const pkcs8Prefix = Buffer.from("302e020100300506032b656e04220420", "hex");

/** The key pair that follows from a random secret, which is to be of 32 random bytes or more. */
export function ageIdentityOf(secret: string): AgeIdentity {
  const privateKey = Buffer.from(hkdfSync("sha256", secret, "", "age identity of database dumps", 32));
  const key = createPrivateKey({
    key: Buffer.concat([pkcs8Prefix, privateKey]),
    format: "der",
    type: "pkcs8",
  });
  const publicKey = createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32);
  return {
    identity: bech32("age-secret-key-", privateKey).toUpperCase(),
    recipient: bech32("age", publicKey),
  };
}

/** Whether a text is a public key of age; one with a typing error is none, because it has a checksum. */
export function isAgeRecipient(text: string): boolean {
  const [, data] = /^age1([02-9ac-hj-np-z]{58})$/.exec(text) ?? [];
  if (data === undefined) return false;
  const values = [...data].map((character) => alphabet.indexOf(character));
  return polymod([...expanded("age"), ...values]) === 1;
}

const alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/** BIP 173, which age takes without its limit of length. */
function bech32(prefix: string, bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const values = (bits.match(/.{1,5}/g) ?? []).map((group) => Number.parseInt(group.padEnd(5, "0"), 2));
  const rest = polymod([...expanded(prefix), ...values, 0, 0, 0, 0, 0, 0]) ^ 1;
  const checksum = [25, 20, 15, 10, 5, 0].map((shift) => (rest >> shift) & 31);
  return `${prefix}1${[...values, ...checksum].map((value) => alphabet[value]).join("")}`;
}

function expanded(prefix: string): number[] {
  const codes = [...prefix].map((character) => character.charCodeAt(0));
  return [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)];
}

const generator = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];

function polymod(values: readonly number[]): number {
  return values.reduce((sum, value) => {
    const shifted = ((sum & 0x1ffffff) << 5) ^ value;
    return generator.reduce((mixed, word, bit) => ((sum >> (25 + bit)) & 1 ? mixed ^ word : mixed), shifted);
  }, 1);
}

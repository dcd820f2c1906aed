import { describe, expect, it } from "vitest";
import { parseEncryptionKey } from "./encryption-key.ts";

const data = Buffer.alloc(32, 7).toString("base64");

describe("a key for backups", () => {
  it("is read with the name that storages and backups give it", () => {
    const text = JSON.stringify({
      kdf: null,
      created: "2026-01-01T00:00:00+00:00",
      data,
      fingerprint: "aa:bb",
    });
    expect(parseEncryptionKey(`${text}\n`)).toEqual({ data, fingerprint: "aa:bb" });
    expect(parseEncryptionKey(JSON.stringify({ data }))).toEqual({ data, fingerprint: undefined });
  });

  it.each([
    ["autogen", "it is no key file in JSON"],
    ['"text"', "it is no key file in JSON"],
    ["{}", "it has no key under `data`"],
    [JSON.stringify({ data: "c2hvcnQ=" }), "its key has not 32 bytes in base64"],
    [
      JSON.stringify({ kdf: { Scrypt: {} }, data }),
      "it is protected by a passphrase, and a node has nobody to ask for one",
    ],
  ])("is not %s", (text, reason) => {
    expect(() => parseEncryptionKey(text)).toThrow(new Error(reason));
  });
});

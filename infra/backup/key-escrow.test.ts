import { expect, test } from "vitest";
import { escrowChecks, passphraseFingerprint } from "./key-escrow.ts";

const key = (fingerprint?: string) =>
  JSON.stringify({ kdf: null, data: Buffer.alloc(32, 7).toString("base64"), fingerprint });
const checkedAt = "2026-11-21T10:00:00.500Z";

test.each([
  ["the key that was checked", key("aa:07"), { checkedAt, fingerprint: "aa:07" }, 1_795_255_200],
  ["another key since", key("bb:99"), { checkedAt, fingerprint: "aa:07" }, 0],
  ["a key of old versions", key(), { checkedAt, fingerprint: "1" }, 1_795_255_200],
  ["a key that nobody has checked", key("aa:07"), undefined, 0],
  ["something that is no key", "key", { checkedAt, fingerprint: "1" }, 0],
])("a check counts for the key that it was of: %s", (_, keyFile, record, expected) => {
  const checks = escrowChecks({ "pbs-critical": keyFile }, {}, record ? { "pbs-critical": record } : {});
  expect(checks).toEqual({ "pbs-critical": expected });
});

test("so does one of a passphrase, which the record does not tell", () => {
  const fingerprint = passphraseFingerprint("old passphrase");
  expect(fingerprint).toMatch(/^([0-9a-f]{2}:){31}[0-9a-f]{2}$/);
  const checked = { "pgbackrest-pg01": { checkedAt, fingerprint } };
  expect(escrowChecks({}, { pg01: "old passphrase" }, checked)).toEqual({ "pgbackrest-pg01": 1_795_255_200 });
  expect(escrowChecks({}, { pg01: "new passphrase" }, checked)).toEqual({ "pgbackrest-pg01": 0 });
});

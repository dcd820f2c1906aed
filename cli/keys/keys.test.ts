import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type EscrowRecord, passphraseFingerprint } from "../../infra/backup/key-escrow.ts";
import { type CheckOptions, checkKeys, compareKeys } from "./check.ts";
import { exportKeys } from "./export.ts";
import type { KeyStack } from "./stack.ts";

const keyFile = (byte: number, fingerprint: string) =>
  JSON.stringify({ kdf: null, data: Buffer.alloc(32, byte).toString("base64"), fingerprint });
const secret = Buffer.alloc(32, 7).toString("base64");
const keys = { "pbs-critical": keyFile(7, "aa:07"), "pbs-weekly": keyFile(8, "aa:08") };

let folder: string;
let file: string;
let said: { out: string; err: string };
let inUse: Record<string, string | undefined>;
let ofStack: Record<string, string>;
let passphrases: Record<string, string>;
let recorded: EscrowRecord | undefined;
const stack: KeyStack = {
  name: "lab",
  keys: async () => ofStack,
  passphrases: async () => passphrases,
  fingerprintOf: async (storage) => inUse[storage],
  record: async (checks) => {
    recorded = checks;
  },
};
const streams = {
  out: { write: (text: string) => (said.out += text) },
  err: { write: (text: string) => (said.err += text) },
};
const check = (options: CheckOptions = {}) => checkKeys(stack, file, { stream: streams.out, ...options });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lab-keys-"));
  file = join(folder, "keys.json");
  said = { out: "", err: "" };
  inUse = { "pbs-critical": "aa:07", "pbs-weekly": "aa:08" };
  ofStack = { ...keys };
  recorded = undefined;
  passphrases = { pg01: "what opens physical backups" };
});
afterEach(() => rm(folder, { recursive: true }));

describe("lab keys export", () => {
  test("writes a file that only its owner can read, and shows no key", async () => {
    await exportKeys(stack, file, streams);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(await readFile(file, "utf8"))).toMatchObject({ stack: "lab", keys, passphrases });
    expect(said.out).toBe("");
    expect(said.err).toContain("pbs-critical, pbs-weekly, pgbackrest-pg01");
    expect(said.err).not.toContain("physical");
    expect(said.err).not.toContain(secret);
  });

  test("replaces no file", async () => {
    await writeFile(file, "older keys");
    await expect(exportKeys(stack, file, streams)).rejects.toThrow(/keys.json is there already/);
    expect(await readFile(file, "utf8")).toBe("older keys");
  });

  test("prints the same where that is asked for", async () => {
    await exportKeys(stack, "-", streams);
    expect(JSON.parse(said.out)).toMatchObject({ keys });
    expect(said.err).toBe("");
  });

  test("makes no file that lacks a key", async () => {
    ofStack = { ...keys, "pbs-imported": "" };
    await expect(exportKeys(stack, file, streams)).rejects.toThrow(
      "stack lab does not have the key of pbs-imported",
    );
    await expect(stat(file)).rejects.toThrow();
  });
});

describe("lab keys check", () => {
  test("is content with what the stack has and the storages use", async () => {
    await exportKeys(stack, file, streams);
    expect(await check()).toBe(0);
    expect(said.out).toMatch(/^pbs-critical +ok +aa:07$/m);
  });

  test("records, when asked, which keys were checked and when, and none of them", async () => {
    const now = new Date("2026-11-21T10:00:00Z");
    await exportKeys(stack, file, streams);
    expect(await check({ now })).toBe(0);
    expect(recorded).toBeUndefined();
    expect(await check({ now, isRecorded: true })).toBe(0);
    const checkedAt = "2026-11-21T10:00:00.000Z";
    expect(recorded).toEqual({
      "pbs-critical": { checkedAt, fingerprint: "aa:07" },
      "pbs-weekly": { checkedAt, fingerprint: "aa:08" },
      "pgbackrest-pg01": { checkedAt, fingerprint: passphraseFingerprint("what opens physical backups") },
    });
    expect(said.out).toContain("Recorded in the configuration of stack lab");
  });

  test("records nothing where one key does not fit", async () => {
    await exportKeys(stack, file, streams);
    inUse["pbs-weekly"] = "bb:99";
    expect(await check({ isRecorded: true })).toBe(1);
    expect(recorded).toBeUndefined();
  });

  test.each([
    [{ pg01: "made anew" }, "the stack has another passphrase than the file"],
    [{ pg01: "what opens physical backups", pg02: "a new cluster's" }, "missing in the file"],
  ])("fails where a passphrase is another one or is lacking: %o", async (ofStackNow, problem) => {
    await exportKeys(stack, file, streams);
    passphrases = ofStackNow;
    expect(await check()).toBe(1);
    expect(said.out).toContain(problem);
    for (const secret of Object.values(ofStackNow)) expect(said.out).not.toContain(secret);
  });

  test("fails where a storage was made anew with another key", async () => {
    await exportKeys(stack, file, streams);
    inUse["pbs-weekly"] = "bb:99";
    expect(await check()).toBe(1);
    expect(said.out).toMatch(/^pbs-weekly +the storage uses another key than the file has, aa:08 +bb:99$/m);
    expect(said.out).not.toContain(secret);
  });

  test.each([
    [undefined, "aa:07", "missing in the file"],
    ["{}", "aa:07", "damaged in the file"],
    [keys["pbs-critical"], undefined, "the cluster has no such storage, or it does not encrypt"],
    // The name alone proves nothing: the key under it was replaced.
    [keyFile(9, "aa:07"), "aa:07", "the stack has another key than the file"],
  ])("finds what is wrong with %s, in use %s", (kept, fingerprint, problem) => {
    const found = compareKeys("pbs-critical", kept, keys["pbs-critical"], fingerprint);
    expect(found.problem).toBe(problem);
  });

  test("quotes nothing of a file that is none of keys", async () => {
    await writeFile(file, `{"keys": {"pbs-critical": "${secret}"`);
    await expect(check()).rejects.toThrow(new RegExp(`^${file} is no file of keys$`));
  });
});

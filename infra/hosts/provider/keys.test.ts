import { execFileSync } from "node:child_process";
import { createPrivateKey, createPublicKey, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compare } from "bcryptjs";
import fc from "fast-check";
import ssh2 from "ssh2";
import { describe, expect, it } from "vitest";
import { makePassword, password } from "./password.ts";
import { sshKey } from "./ssh-key.ts";
import { encodeKeyPair, makeSshKey } from "./ssh-keys.ts";

const call = {
  client: null as never,
  urn: "urn:test",
  signal: new AbortController().signal,
  timeoutSeconds: undefined,
};

/** A key pair whose public half begins with a zero byte, where careless encoders go wrong. */
function awkwardKey() {
  const prefix = Buffer.from("302e020100300506032b657004220420", "hex");
  for (;;) {
    const seed = randomBytes(32);
    const key = createPrivateKey({ key: Buffer.concat([prefix, seed]), format: "der", type: "pkcs8" });
    const { x } = createPublicKey(key).export({ format: "jwk" });
    const publicBytes = Buffer.from(x ?? "", "base64url");
    if (publicBytes[0] === 0) return encodeKeyPair(seed, publicBytes, "awkward");
  }
}

function signsAndVerifies(privateKey: string, publicKey: string): boolean {
  const [signer, verifier] = [ssh2.utils.parseKey(privateKey), ssh2.utils.parseKey(publicKey)];
  if (signer instanceof Error) throw signer;
  if (verifier instanceof Error) throw verifier;
  const signature = signer.sign("text");
  if (signature instanceof Error) throw signature;
  return verifier.verify("text", signature) === true;
}

describe("an SSH key", () => {
  it("signs what its public half verifies, whatever its bytes and comment", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ -~]{0,40}$/), (comment) => {
        const { privateKey, publicKey } = makeSshKey(comment);
        return signsAndVerifies(privateKey, publicKey);
      }),
    );
    const { privateKey, publicKey } = awkwardKey();
    expect(signsAndVerifies(privateKey, publicKey)).toBe(true);
  });

  it("is what OpenSSH reads", () => {
    const folder = mkdtempSync(join(tmpdir(), "lab-key-"));
    const { privateKey, publicKey, fingerprint } = awkwardKey();
    writeFileSync(join(folder, "key"), privateKey, { mode: 0o600 });
    const keygen = (...args: string[]) =>
      execFileSync("ssh-keygen", [...args, "-f", join(folder, "key")]).toString();
    expect(keygen("-y").trim()).toBe(publicKey);
    expect(keygen("-l")).toContain(fingerprint);
    rmSync(folder, { recursive: true });
  });

  it("stays the same on update and is replaced on rotation", async () => {
    const { id, outputs } = await sshKey.create(call, { comment: "a", rotation: "" });
    const recorded = { inputs: { comment: "a", rotation: "" }, outputs: { ...outputs } };
    expect(await sshKey.update(call, id, recorded, { comment: "b", rotation: "" })).toEqual(outputs);
    expect(sshKey.replaceOn).toEqual(["rotation"]);
    expect(sshKey.secretOutputs).toEqual(["privateKey"]);
  });
});

describe("a password", () => {
  it("has the wanted length, needs no quoting and is another one each time", () => {
    fc.assert(
      fc.property(fc.integer({ min: 16, max: 128 }), (lengthCharacters) => {
        const value = makePassword(lengthCharacters);
        expect(value).toMatch(/^[A-Za-z0-9]+$/);
        expect(value).toHaveLength(lengthCharacters);
        expect(makePassword(lengthCharacters)).not.toBe(value);
      }),
    );
  });

  it("is secret and replaced on rotation", () => {
    expect(password.secretOutputs).toEqual(["value", "bcryptHash"]);
    expect(password.replaceOn).toContain("rotation");
  });

  it("has one hash, which an older password gets with the next update", async () => {
    const inputs = { lengthCharacters: 32, rotation: "" };
    const { id, outputs } = await password.create(call, inputs);
    const { value, bcryptHash } = outputs as { value: string; bcryptHash: string };
    expect(await compare(value, bcryptHash)).toBe(true);
    const recorded = { inputs, outputs: { ...outputs } };
    expect(password.renews?.(recorded, inputs)).toEqual([]);
    expect(await password.update(call, id, recorded, inputs)).toEqual(outputs);
    const older = { inputs, outputs: { value } };
    expect(password.renews?.(older, inputs)).toEqual(["bcryptHash"]);
    expect(await password.update(call, id, older, inputs)).toMatchObject({ value });
  });
});

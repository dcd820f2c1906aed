import { execFileSync } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Properties } from "../../provider/values.ts";
import { certificateResource, certificateSchema } from "./certificate.ts";
import { authorityResource, authoritySchema } from "./certificate-authority.ts";
import type { SignedOutputs } from "./certificate-renewal.ts";

let now = new Date("2026-03-01T12:00:00Z");
const clock = () => now;
const later = (days: number) => {
  now = new Date(now.getTime() + days * 86_400_000);
};
const certificates = certificateResource(clock);
const authorities = authorityResource(clock);
const call = {
  client: null as never,
  urn: "urn:test",
  signal: new AbortController().signal,
  timeoutSeconds: undefined,
};

const folder = mkdtempSync(join(tmpdir(), "lab-certificate-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function makeAuthority(given: object = {}) {
  const inputs = authoritySchema.parse({
    commonName: "test authority",
    permittedDnsDomains: ["radioastronomy.io"],
    permittedIpRanges: ["10.16.207.0/24"],
    ...given,
  });
  const { outputs } = await authorities.create(call, inputs);
  return { inputs, outputs: outputs as SignedOutputs };
}

async function makeCertificate(authority: SignedOutputs, given: object = {}) {
  const inputs = certificateSchema.parse({
    authority,
    commonName: "proj-pg01",
    usages: ["server"],
    dnsNames: ["proj-pg01.radioastronomy.io"],
    ipAddresses: ["10.16.207.52"],
    ...given,
  });
  const { outputs } = await certificates.create(call, inputs);
  return { inputs, outputs: outputs as SignedOutputs };
}

/** What OpenSSL says of a chain at the test's time: empty where it is good. */
function complaint(authority: string, certificate: string, ...options: string[]): string {
  const [ca, leaf] = [join(folder, "ca.pem"), join(folder, "leaf.pem")];
  writeFileSync(ca, authority);
  writeFileSync(leaf, certificate);
  const args = ["verify", "-x509_strict", "-attime", String(Math.floor(now.getTime() / 1000))];
  try {
    execFileSync("openssl", [...args, "-CAfile", ca, ...options, leaf], { stdio: "pipe" });
    return "";
  } catch (error) {
    return String((error as { stderr: Buffer }).stderr);
  }
}

describe("a certificate", () => {
  it("is accepted by OpenSSL for its names, address and usage, and for nothing else", async () => {
    const ca = (await makeAuthority()).outputs.certificate;
    const { certificate } = (await makeCertificate((await makeAuthority()).outputs)).outputs;
    expect(complaint(ca, certificate)).toMatch(/unable to get local issuer|signature failure/);
    const authority = (await makeAuthority()).outputs;
    const own = (await makeCertificate(authority)).outputs.certificate;
    const verify = (...options: string[]) => complaint(authority.certificate, own, ...options);
    expect(verify("-purpose", "sslserver", "-verify_hostname", "proj-pg01.radioastronomy.io")).toBe("");
    expect(verify("-verify_ip", "10.16.207.52")).toBe("");
    expect(verify("-verify_hostname", "proj-pg02.radioastronomy.io")).toMatch(/hostname mismatch/i);
    expect(verify("-verify_ip", "10.16.207.53")).toMatch(/IP address mismatch/i);
    expect(verify("-purpose", "sslclient")).toMatch(/unsuitable certificate purpose/i);
  });

  it("belongs to its key", async () => {
    const { certificate, privateKey } = (await makeCertificate((await makeAuthority()).outputs)).outputs;
    expect(new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey))).toBe(true);
    expect(certificates.secretOutputs).toEqual(["privateKey"]);
  });

  it.each([{ dnsNames: ["proj-pg01.example.org"] }, { dnsNames: [], ipAddresses: ["10.16.208.52"] }])(
    "is refused for %o, which its authority may not vouch for",
    async (names) => {
      const authority = (await makeAuthority()).outputs;
      const { certificate } = (await makeCertificate(authority, names)).outputs;
      expect(complaint(authority.certificate, certificate)).toMatch(/permitted subtree violation/i);
    },
  );

  it("may not outlive its authority", async () => {
    const authority = (await makeAuthority({ validityDays: 30, renewBeforeDays: 1 })).outputs;
    await expect(makeCertificate(authority)).rejects.toThrow(
      /for proj-pg01 until .* would outlive its authority/,
    );
  });

  it("needs a name and the time to be renewed", () => {
    const reasons = certificates.checkTogether?.({
      validityDays: 30,
      renewBeforeDays: 30,
      dnsNames: [],
      ipAddresses: [],
    });
    expect(reasons?.map(({ property }) => property)).toEqual(["renewBeforeDays", "dnsNames"]);
  });
});

describe("renewal", () => {
  const renewed = async (recorded: { inputs: Properties; outputs: SignedOutputs }) =>
    (await certificates.update(call, "id", recorded as never, recorded.inputs)) as SignedOutputs;

  it("is due renewBeforeDays before the end, not earlier, and says so in a preview", async () => {
    const recorded = (await makeCertificate((await makeAuthority()).outputs)) as never;
    const { inputs } = recorded as { inputs: Properties };
    later(59.9);
    expect(certificates.renews?.(recorded, inputs)).toEqual([]);
    expect(await certificates.notesOnPreview?.(call, recorded, inputs)).toEqual([]);
    later(0.2);
    expect(certificates.renews?.(recorded, inputs)).toEqual(["certificate", "notAfter"]);
    const [note] = (await certificates.notesOnPreview?.(call, recorded, inputs)) ?? [];
    expect(note?.message).toMatch(
      /^the certificate of proj-pg01 ends on \d{4}-\d\d-\d\d, in 30 days: this update renews it$/,
    );
  });

  it("keeps the key and gives the whole time again", async () => {
    const authority = (await makeAuthority()).outputs;
    const recorded = await makeCertificate(authority);
    later(70);
    const outputs = await renewed(recorded);
    expect(outputs.privateKey).toBe(recorded.outputs.privateKey);
    expect(Date.parse(outputs.notAfter) - now.getTime()).toBeGreaterThan(89.9 * 86_400_000);
    expect(complaint(authority.certificate, outputs.certificate)).toBe("");
    expect(certificates.renews?.({ ...recorded, outputs: { ...outputs } }, recorded.inputs)).toEqual([]);
  });

  it("does nothing outside of the window, and anew where a name changed", async () => {
    const recorded = await makeCertificate((await makeAuthority()).outputs);
    expect(await renewed(recorded)).toEqual(recorded.outputs);
    const wanted = { ...recorded.inputs, dnsNames: ["other.radioastronomy.io"] };
    const outputs = (await certificates.update(call, "id", recorded as never, wanted)) as SignedOutputs;
    expect(new X509Certificate(outputs.certificate).subjectAltName).toContain("other.radioastronomy.io");
    expect(certificates.renews?.(recorded as never, { ...recorded.inputs, renewBeforeDays: 20 })).toEqual([]);
  });

  it("of an authority keeps valid what it signed before", async () => {
    const authority = await makeAuthority();
    later(365 * 8 + 3);
    const { certificate } = (await makeCertificate(authority.outputs)).outputs;
    const recorded = { inputs: authority.inputs, outputs: { ...authority.outputs } };
    expect(authorities.renews?.(recorded, authority.inputs)).toEqual(["certificate", "notAfter"]);
    const outputs = (await authorities.update(call, "id", recorded, authority.inputs)) as SignedOutputs;
    expect(outputs.certificate).not.toBe(authority.outputs.certificate);
    expect(complaint(outputs.certificate, certificate)).toBe("");
  });
});

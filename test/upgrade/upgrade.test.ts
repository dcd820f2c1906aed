import { describe, expect, it } from "vitest";
import { lossesOf } from "./changes.ts";
import { fakeOf, type Recordable, scrub } from "./scrub.ts";

const urn = (type: string) => `urn:pulumi:lab::astronomy-lab::lab:hosts:Machines$${type}::proj-pg01`;

describe("losses", () => {
  it("are replacements and deletions, with the reason", () => {
    const vm = urn("proxmoxve:index/vmLegacy:VmLegacy");
    expect(
      lossesOf([
        { op: "update", urn: vm, reasons: [] },
        { op: "replace", urn: vm, reasons: ["vmId"] },
        { op: "delete", urn: vm, reasons: [] },
        { op: "create", urn: vm, reasons: [] },
      ]),
    ).toEqual([`replace ${vm} because of vmId`, `delete ${vm}`]);
  });

  it("are not snippets, which PVE cannot change in place", () => {
    const snippet = urn("proxmoxve:index/fileLegacy:FileLegacy");
    expect(lossesOf([{ op: "replace", urn: snippet, reasons: ["sourceRaw"] }])).toEqual([]);
  });
});

describe("a recording", () => {
  const secret = (text: string) => ({
    "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
    plaintext: JSON.stringify(text),
  });
  const password = "CPf7Ed9VYyYpb0lxfBXNqmpV0CEGGyHs";
  const made: Recordable = {
    config: { "astronomy-lab:awsAccessKey": "AKIA09224EF809F8C4A5" },
    state: {
      version: 3,
      deployment: {
        secrets_providers: { type: "passphrase" },
        resources: [
          {
            urn: "a",
            type: "hosts:index:Password",
            outputs: { value: secret(password) },
            sourcePosition: "x",
          },
          { urn: "b", type: "hosts:index:Delivery", inputs: { content: secret(`host:5432:${password}`) } },
          { urn: "c", type: "hosts:index:Delivery", inputs: { content: "x".repeat(30_000) } },
          {
            urn: "d",
            type: "hosts:index:Delivery",
            inputs: { path: "/home/me/lab/node_modules/.cache/a.mjs" },
          },
        ],
      },
    },
  };
  const { state, config } = scrub(made);
  const text = JSON.stringify(state);

  it("holds no secret, and the same fake wherever the secret was", () => {
    expect(text).not.toContain(password);
    const [, fake = ""] = /"plaintext":"\\"([A-Za-z0-9]{32})\\""/.exec(text) ?? [];
    expect(fake).not.toBe("");
    expect(text).toContain(`host:5432:${fake}`);
  });

  it("holds no access key, in the configuration either", () => {
    expect(config).toEqual({ "astronomy-lab:awsAccessKey": expect.stringMatching(/^AKIAFAKE[0-9]{12}$/) });
  });

  it("holds nothing of the machine that made it, and no long text", () => {
    expect(text).not.toContain("sourcePosition");
    expect(text).not.toContain("/home/me");
    expect(text).not.toContain("secrets_providers");
    expect(text).toContain("(a text of 30000 characters, left out of the recording)");
  });

  it("has fakes of the same shape that do not depend on the secret", () => {
    expect(fakeOf("82575998-f624-4a34", 7)).toMatch(/^[0-9]{8}-[a-f][0-9]{3}-[0-9][a-f][0-9]{2}$/);
    expect(fakeOf("aaaa1111bbbb2222", 7)).toBe(fakeOf("cccc3333dddd4444", 7));
  });
});

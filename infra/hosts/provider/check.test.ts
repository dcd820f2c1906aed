import { describe, expect, it } from "vitest";
import { fileAsset } from "../../provider/asset.ts";
import { checkInputs } from "../../provider/check.ts";
import type { AnyResource } from "../../provider/resource.ts";
import { delivery } from "./delivery.ts";
import { deliveryInputs } from "./testing/inputs.ts";

const { connection } = deliveryInputs();

function reasons(given: object): string[] {
  const { failures } = checkInputs(delivery as AnyResource<never>, { connection, ...given });
  return failures.map(({ property, reason }) => `${property}: ${reason}`);
}
const file = (changes: object) => ({ files: { "/etc/a": { content: "a", ...changes } } });

describe("checking a delivery", () => {
  it("accepts a good one and fills in defaults", () => {
    const given = {
      connection,
      files: { "/etc/a": { content: "a" }, "/etc/b": { content: "b", sensitive: true } },
    };
    const { inputs, failures } = checkInputs(delivery as AnyResource<never>, given);
    expect(failures).toEqual([]);
    expect(inputs).toMatchObject({
      name: "lab",
      files: { "/etc/a": { mode: "0644", owner: "root", group: "root" }, "/etc/b": { mode: "0600" } },
    });
  });

  it.each([
    ["a relative path", { files: { "etc/a": { content: "a" } } }, /files\["etc\/a"\]: a path is absolute/],
    ["a path with dots", { files: { "/etc/../a": { content: "a" } } }, /in its shortest form/],
    ["a bad mode", file({ mode: "644" }), /files\.\/etc\/a\.mode: a mode is written in octal.*got "644"/],
    [
      "both content and source",
      file({ source: { url: "http://x/y", sha256: "a".repeat(64) } }),
      /either content, source or asset/,
    ],
    ["none of content, source and asset", file({ content: undefined }), /either content, source or asset/],
    [
      "both content and asset",
      file({ asset: fileAsset("/x", "a".repeat(64)) }),
      /either content, source or asset/,
    ],
    [
      "an asset that is no asset",
      file({ content: undefined, asset: { text: "x" } }),
      /is a pulumi\.asset\.FileAsset/,
    ],
    [
      "an asset that is a text",
      file({ content: undefined, asset: { ...fileAsset("", "a".repeat(64)), path: undefined, text: "x" } }),
      /only a pulumi\.asset\.FileAsset/,
    ],
    ["a sensitive file open to all", file({ sensitive: true, mode: "0644" }), /its mode ends in 0/],
    [
      "a source without a full checksum",
      file({ content: undefined, source: { url: "http://x/y", sha256: "abc" } }),
      /SHA-256 is 64/,
    ],
    [
      "a source with a password",
      file({ content: undefined, source: { url: "http://u:p@x/y", sha256: "a".repeat(64) } }),
      /without user name and password/,
    ],
    [
      "an unknown unit to activate",
      file({ activates: ["y.service"] }),
      /there is no unit y.service in units/,
    ],
    [
      "a file where a unit brings one",
      {
        files: { "/etc/systemd/system/x.service": { content: "a" } },
        units: [{ name: "x.service", content: "[Service]" }],
      },
      /the unit x.service brings a file at this path/,
    ],
    [
      "a file where a directory is",
      { files: { "/etc/a": { content: "a" } }, directories: { "/etc/a": {} } },
      /directories has the same path/,
    ],
    [
      "a file below a file",
      { files: { "/etc/a": { content: "a" }, "/etc/a/b/c": { content: "a" } } },
      /\/etc\/a is a file/,
    ],
    [
      "a unit twice",
      { units: [{ name: "x.service" }, { name: "x.service" }] },
      /x.service is in units twice/,
    ],
    ["a unit without its kind", { units: [{ name: "x" }] }, /a unit name ends in its kind/],
    ["a template to start", { units: [{ name: "x@.service", content: "a" }] }, /is a template/],
    ["a name that needs quoting", { name: "a b" }, /name is up to 32 of/],
  ])("refuses %s", (_what, given, expected) => {
    expect(reasons(given).join("\n")).toMatch(expected);
  });

  it("refuses what is no private key, without showing it", () => {
    const wrong = reasons({ connection: { ...connection, privateKey: "hunter2-is-secret" } });
    expect(wrong).toEqual([
      "connection.privateKey: this is not a private key in OpenSSH format without passphrase",
    ]);
  });
});

import { describe, expect, it } from "vitest";
import { exchangeProblems, parameterProblems, valueProblems } from "./api-check.ts";
import { type ApiDescription, type Product, readApiDescription } from "./api-description.ts";
import { hasFormat, parseProperties, patternOf } from "./api-formats.ts";

const network = {
  model: { type: "string", enum: ["virtio", "e1000"], default_key: 1 },
  virtio: { alias: "macaddr", keyAlias: "model" },
  macaddr: { type: "string", format: "mac-addr", optional: 1 },
  bridge: { type: "string", optional: 1 },
};
const properties = {
  vmid: { type: "integer", minimum: 100 },
  mode: { type: "string", enum: ["stop"], optional: 1 },
  unique: { type: "boolean", optional: 1, requires: "archive" },
  storage: { type: "string", format: "pve-storage-id", optional: 1 },
  tags: { type: "string", format: "pve-tag-list", optional: 1 },
  digest: { type: "string", pattern: "/^[a-f0-9]{4}$/", optional: 1 },
  name: { type: "string", minLength: 3, maxLength: 5, optional: 1 },
  "net[n]": { type: "string", format: network, optional: 1 },
};
const answer = {
  type: "object",
  additionalProperties: false,
  properties: { upid: { type: "string" }, size: { type: "integer", optional: 1 } },
};
const api: ApiDescription = {
  "/vms": { POST: { parameters: { additionalProperties: 0, properties }, returns: answer } },
};

const ofCall = (parameters: Record<string, unknown>) =>
  parameterProblems({ parameters: { properties } }, { vmid: 100, ...parameters });
const ofExchange = (change: object, product: Product = "pbs") =>
  exchangeProblems(product, api, {
    method: "POST",
    path: "/vms",
    parameters: { vmid: "100" },
    status: 200,
    data: { upid: "UPID:" },
    ...change,
  });

describe("a call", () => {
  it("may be as it is described", () => {
    const net7 = "virtio=BC:24:11:00:00:01,bridge=vmbr0";
    expect(ofCall({ net7, mode: "stop", tags: ["a", "b"], digest: "00ff", storage: "local-lvm" })).toEqual(
      [],
    );
    expect(ofCall({ unique: "on", archive: undefined, net0: "model=e1000" })).toEqual([
      "unique without archive",
    ]);
  });

  it.each([
    [{ colour: "red" }, "colour is unknown"],
    [{ vmid: undefined }, "vmid is missing"],
    [{ vmid: "99" }, "vmid is out of range: 99"],
    [{ vmid: "many" }, 'vmid is "many" instead of integer'],
    [{ mode: "hot" }, 'mode is "hot" instead of stop'],
    [{ storage: "1" }, 'storage is "1" instead of a pve-storage-id'],
    [{ tags: "a;b c,#" }, 'tags is "a;b c,#" instead of a pve-tag-list'],
    [{ digest: "00FF" }, 'digest is "00FF", which does not match /^[a-f0-9]{4}$/'],
    [{ name: "ab" }, "name is too short"],
    [{ name: "abcdef" }, "name is too long"],
    [{ net0: "virtio,colour=red" }, "net0.colour is unknown"],
    [{ net0: "bridge=vmbr0" }, "net0.model is missing"],
    [{ net0: "virtio=01:00:00:00:00:00" }, 'net0.macaddr is "01:00:00:00:00:00" instead of a mac-addr'],
    [{ net0: "virtio,bridge=a,bridge=b" }, "net0: bridge occurs twice"],
  ])("%j is found", (parameters, problem) => {
    expect(ofCall(parameters)).toEqual([problem]);
  });
});

describe("an answer", () => {
  it.each([
    [{}, "data.upid is missing"],
    [{ upid: 1 }, "data.upid is 1 instead of string"],
    [{ upid: "", size: "1" }, 'data.size is "1" instead of integer'],
    [{ upid: "", colour: "red" }, "data.colour is unknown"],
    [null, "data is null instead of object"],
  ])("%j is found", (data, problem) => {
    expect(ofExchange({ data })).toEqual([`POST /vms: ${problem}`]);
  });

  it("may hold numbers as texts where Perl writes it, and hidden secrets anywhere", () => {
    expect(ofExchange({ data: { upid: 1, size: "1" } }, "pve")).toEqual([]);
    expect(valueProblems("data", { type: "string", pattern: "/^a$/" }, "****", "pbs")).toEqual([]);
  });

  it("counts only where the call was not refused; the call counts always", () => {
    const refused = { status: 400, parameters: { colour: "red" }, data: undefined };
    expect(ofExchange(refused)).toEqual(["POST /vms: colour is unknown", "POST /vms: vmid is missing"]);
    expect(ofExchange({ path: "/nowhere" })).toEqual(["POST /nowhere is not described"]);
    expect(ofExchange({ method: "GET" })).toEqual(["GET /vms is not described"]);
  });
});

describe("formats", () => {
  it("may quote what contains a comma", () => {
    const format = {
      type: "object",
      default_key: "type",
      properties: { type: { type: "string" }, why: { maxLength: 6 } },
    };
    const { values, problems } = parseProperties(format, 'offline,why="a, \\"b\\""');
    expect({ values, problems }).toEqual({ values: { type: "offline", why: 'a, "b"' }, problems: [] });
  });

  it.each([
    ["CIDR", "10.0.0.0/24", "10.0.0.0/33"],
    ["email-or-username-list", "a@example.org,root@pam", undefined],
    ["ipv4", "10.0.0.1", "::1"],
    ["pve-vmid-list", "100,200", "100,1"],
    ["urlencoded", "ssh-ed25519%20AAAA", "100%"],
    ["pve-volume-id", "local:iso/a.iso", "a.iso"],
  ])("%s takes %s and not %s", (format, right, wrong) => {
    expect(hasFormat(format, right)).toBe(true);
    if (wrong !== undefined) expect(hasFormat(format, wrong)).toBe(false);
  });
});

describe.each(["pve", "pbs"] as const)("the description of %s", (product) => {
  const description = readApiDescription(product);

  it.skipIf(description === undefined)("has only patterns that are understood", () => {
    const found = new Set<string>();
    JSON.stringify(description, (key, value) => {
      if (key === "pattern" && typeof value === "string") found.add(value);
      return value as unknown;
    });
    expect(found.size).toBeGreaterThan(20);
    expect([...found].filter((pattern) => patternOf(pattern) === undefined)).toEqual([]);
  });
});

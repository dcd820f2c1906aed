import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson, sha256 } from "./canonical.ts";
import type { DeliveryInputs } from "./inputs.ts";
import { contentHash, planOf } from "./plan.ts";
import { redact } from "./redact.ts";
import { deliveryInputs } from "./testing/inputs.ts";

const identity = { id: "lab/1", owner: "urn:test" };
const sample = deliveryInputs({
  files: {
    "/etc/a": { content: "a", activates: ["x.service"] },
    "/etc/b": { content: "PASSWORD=p4ssw0rd-of-the-lab", sensitive: true },
    "/opt/c": { source: { url: "https://example.org/c.tar.gz", sha256: sha256("c"), member: "c/bin" } },
  },
  users: [{ name: "exporter" }],
  directories: { "/var/lib/x": { owner: "exporter" } },
  units: [{ name: "x.service", content: "[Service]" }, { name: "cron.service" }],
});

function reversedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversedKeys);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).reverse();
  return Object.fromEntries(entries.map(([key, entry]) => [key, reversedKeys(entry)]));
}

/** Every way to a leaf of a JSON value. */
function leaves(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [path];
  return Object.entries(value).flatMap(([key, entry]) => leaves(entry, [...path, key]));
}

function withLeaf(
  value: unknown,
  [key, ...rest]: readonly string[],
  change: (leaf: unknown) => unknown,
): unknown {
  if (key === undefined) return change(value);
  const copy = structuredClone(value) as Record<string, unknown>;
  copy[key] = withLeaf(copy[key], rest, change);
  return copy;
}

describe("the content hash", () => {
  it("does not depend on the order of keys", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => canonicalJson(reversedKeys(value)) === canonicalJson(value)),
    );
    expect(contentHash(reversedKeys(sample) as DeliveryInputs)).toBe(contentHash(sample));
  });

  it("changes with every single value that is delivered", () => {
    const { connection, ...delivered } = sample;
    for (const path of leaves(delivered)) {
      const changed = withLeaf(delivered, path, (leaf) => `${leaf}!`) as Omit<DeliveryInputs, "connection">;
      expect(contentHash({ ...changed, connection }), path.join(".")).not.toBe(contentHash(sample));
    }
  });

  it("changes with the order of units, which is the order of activation", () => {
    expect(contentHash({ ...sample, units: sample.units.toReversed() })).not.toBe(contentHash(sample));
  });

  it("does not change with the connection", () => {
    const connection = { ...sample.connection, address: "192.0.2.2", port: 2222 };
    expect(contentHash({ ...sample, connection })).toBe(contentHash(sample));
  });
});

describe("a plan", () => {
  const { plan, contents } = planOf("apply", identity, sample);

  it("names each content by its digest and holds none itself", () => {
    for (const file of plan.files) {
      if (!file.content) continue;
      const payload = contents.find(({ name }) => name === file.content?.name);
      expect(sha256(payload?.read() ?? "")).toBe(file.content.sha256);
    }
    expect(JSON.stringify(plan)).not.toContain("p4ssw0rd");
    expect(JSON.stringify(plan)).not.toContain("PRIVATE KEY");
  });

  it("installs a unit's content as a file and leaves units of the distribution alone", () => {
    expect(plan.files.map((file) => file.path)).toEqual([
      "/etc/a",
      "/etc/b",
      "/opt/c",
      "/etc/systemd/system/x.service",
    ]);
    expect(plan.files.at(-1)).toMatchObject({ activates: ["x.service"], mode: "0644", owner: "root" });
  });
});

describe("redacting", () => {
  it("takes out passwords and keys and leaves the rest", () => {
    const said = `x.service: login with p4ssw0rd-of-the-lab failed\n${sample.connection.privateKey}`;
    const shown = redact(said, sample);
    expect(shown).toContain("x.service: login with [secret] failed");
    expect(shown).not.toContain(sample.connection.privateKey.split("\n")[1]);
  });
});

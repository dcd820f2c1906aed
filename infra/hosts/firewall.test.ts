import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ruleset } from "./firewall.ts";
import type { Relation } from "./relations.ts";

const octet = fc.integer({ min: 0, max: 255 });
const address = fc.tuple(octet, octet, octet, octet).map((parts) => parts.join("."));
const numberOf = (text: string) => text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
const textOf = (value: number) =>
  [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
/** Few distinct networks and ports, so that they overlap often. */
const network = fc
  .tuple(fc.constantFrom("10.1.2.3", "10.1.2.200", "10.9.0.1"), fc.integer({ min: 8, max: 32 }))
  .map(([within, bits]) => {
    const size = 2 ** (32 - bits);
    return `${textOf(Math.floor(numberOf(within) / size) * size)}/${bits}`;
  });
const port = fc.constantFrom(22, 5432, 9100);
const relation: fc.Arbitrary<Relation> = fc.record({
  from: fc.array(fc.oneof(network, fc.constantFrom("10.1.2.3", "10.9.0.1")), { minLength: 1, maxLength: 4 }),
  port,
  why: fc.constant("a test"),
});

const isIn = (source: string, text: string) => {
  const [base = "", bits = "32"] = text.split("/");
  const size = 2 ** (32 - Number(bits));
  return Math.floor(numberOf(source) / size) === Math.floor(numberOf(base) / size);
};

/** What the kernel would do with a new connection: the first rule that fits, or the policy. */
function isOpen(rules: string, source: string, to: number): boolean {
  expect(rules).toContain("hook input priority filter; policy drop;");
  return [...rules.matchAll(/ip saddr \{ (.*) \} tcp dport (\d+) accept/g)].some(
    ([, sources = "", at]) => Number(at) === to && sources.split(", ").some((text) => isIn(source, text)),
  );
}

describe("the ruleset of a guest", () => {
  it("lets in exactly what the relations say", () => {
    const sources = fc.oneof(address, fc.constantFrom("10.1.2.3", "10.1.2.200", "10.1.2.201", "10.9.0.1"));
    fc.assert(
      fc.property(
        fc.array(relation),
        sources,
        fc.oneof(port, fc.integer({ min: 1, max: 65535 })),
        (relations, source, to) => {
          const wanted = relations.some(
            ({ from, port: at }) => at === to && from.some((text) => isIn(source, text)),
          );
          expect(isOpen(ruleset(relations), source, to)).toBe(wanted);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("names no address twice in a set, which the kernel would refuse", () => {
    fc.assert(
      fc.property(fc.array(relation, { minLength: 1 }), (relations) => {
        for (const [, sources = ""] of ruleset(relations).matchAll(/ip saddr \{ (.*) \} tcp/g)) {
          const texts = sources.split(", ");
          for (const [index, text] of texts.entries()) {
            const base = text.split("/")[0] ?? "";
            expect(texts.filter((other, place) => place !== index && isIn(base, other))).toEqual([]);
          }
        }
      }),
    );
  });

  it("replaces its own table and touches no other", () => {
    const rules = ruleset([]);
    expect(rules).toMatch(/^table inet lab\ndelete table inet lab\ntable inet lab \{/);
    expect(rules).not.toContain("flush");
    expect(rules.match(/^table|^delete/gm)).toHaveLength(3);
  });
});

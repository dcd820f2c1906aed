import fc from "fast-check";
import { expect, it } from "vitest";
import { waitsFor } from "./creation-order.ts";

const sites = fc.record({
  nodes: fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 40 }),
  atOnce: fc.integer({ min: 1, max: 5 }),
});
const guestsOn = (nodes: readonly string[]) => nodes.map((node, index) => ({ name: `g${index}`, node }));

/** Makes what may be made, all at once, again and again; gives how many each round made on each node. */
function rounds(nodes: readonly string[], atOnce: number): Map<string, number>[] {
  const guests = guestsOn(nodes);
  const order = waitsFor(guests, atOnce);
  const made = new Set<string>();
  const result: Map<string, number>[] = [];
  while (made.size < guests.length) {
    const ready = guests.filter(
      ({ name }) => !made.has(name) && (!order.has(name) || made.has(order.get(name) ?? "")),
    );
    if (ready.length === 0) throw new Error("everybody waits");
    for (const { name } of ready) made.add(name);
    result.push(
      new Map([...Map.groupBy(ready, ({ node }) => node)].map(([node, those]) => [node, those.length])),
    );
  }
  return result;
}

it("never makes more than so many at once on a node, and nobody waits for ever", () => {
  fc.assert(
    fc.property(sites, ({ nodes, atOnce }) => {
      for (const round of rounds(nodes, atOnce)) {
        for (const count of round.values()) expect(count).toBeLessThanOrEqual(atOnce);
      }
    }),
  );
});

it("needs no more rounds than the fullest node has guests for", () => {
  fc.assert(
    fc.property(sites, ({ nodes, atOnce }) => {
      const fullest = Math.max(0, ...[...Map.groupBy(nodes, (node) => node).values()].map((on) => on.length));
      expect(rounds(nodes, atOnce)).toHaveLength(Math.ceil(fullest / atOnce));
    }),
  );
});

it("lets guests of different nodes not wait for each other", () => {
  expect(waitsFor(guestsOn(["a", "b", "c", "a"]), 1)).toEqual(new Map([["g3", "g0"]]));
});

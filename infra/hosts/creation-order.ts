/** A guest and the node that it is made on. */
interface Placed {
  readonly name: string;
  readonly node: string;
}

/**
 * For each guest the one that has to exist before it is made, so that no node makes more than `atOnce` at a time: each
 * waits for the one that many places before it on its node. A guest that is added changes whom others wait for, and
 * nothing else about them.
 *
 * @param atOnce at least 1
 */
export function waitsFor(guests: readonly Placed[], atOnce: number): ReadonlyMap<string, string> {
  const order = new Map<string, string>();
  for (const onNode of Map.groupBy(guests, ({ node }) => node).values()) {
    for (const [index, { name }] of onNode.entries()) {
      const before = onNode[index - atOnce];
      if (before !== undefined) order.set(name, before.name);
    }
  }
  return order;
}

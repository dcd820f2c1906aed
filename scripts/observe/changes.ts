import type { Print } from "./state.ts";

/** What has become of a set of things since it was last seen. */
export interface Change {
  print: Print;
  /** Names of the things that are new, gone and different; all empty where nothing has changed. */
  added: readonly string[];
  removed: readonly string[];
  changed: readonly string[];
}

/** Compares a set of things, by name and digest, with the one before; the first is no change. */
export function compareItems(
  previous: Print | undefined,
  items: Readonly<Record<string, string>>,
  nowSeconds: number,
): Change {
  const before = new Map(Object.entries(previous?.items ?? items));
  const after = new Map(Object.entries(items));
  const added = [...after.keys()].filter((name) => !before.has(name));
  const removed = [...before.keys()].filter((name) => !after.has(name));
  const changed = [...after].filter(([name, value]) => before.has(name) && before.get(name) !== value);
  const differs = added.length + removed.length + changed.length > 0;
  return {
    print: {
      items: { ...items },
      changedAt: differs ? nowSeconds : (previous?.changedAt ?? null),
      changes: (previous?.changes ?? 0) + (differs ? 1 : 0),
    },
    added,
    removed,
    changed: changed.map(([name]) => name),
  };
}

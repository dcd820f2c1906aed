import { apiPath, type PbsClient } from "../client.ts";

/** Part of a datastore: a namespace and how many levels of namespaces below it. */
export interface Scope {
  readonly store: string;
  /** From the root of the datastore; undefined is the root. */
  readonly ns?: string | undefined;
  /** 0 is the namespace alone; undefined is everything below it. */
  readonly maxDepth?: number | undefined;
}

// Each call opens a connection of its own, and the server has other work.
const callsAtOnce = 8;

/** The names of the namespaces in a scope, its own first; the root's name is empty. */
export async function namespacesIn(client: PbsClient, scope: Scope, signal: AbortSignal): Promise<string[]> {
  const own = scope.ns ?? "";
  if (scope.maxDepth === 0) return [own];
  const { data } = await client.get(
    apiPath`/admin/datastore/${scope.store}/namespace`,
    { parent: scope.ns, "max-depth": scope.maxDepth },
    signal,
  );
  const below = asList<{ readonly ns: string }>(data, "namespaces")
    .map(({ ns }) => ns)
    .filter((ns) => ns !== own);
  return [own, ...below.sort()];
}

/** @throws Error when an answer that ought to be a list is none */
export function asList<Item>(data: unknown, what: string): readonly Item[] {
  if (Array.isArray(data)) return data;
  throw new Error(
    `the server answered with something else than a list of ${what}; is it a Proxmox Backup Server?`,
  );
}

/** Runs work on every item, a few at once, and gives the results in the items' order. */
export async function forEach<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const waiting = [...items.entries()];
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) results[next[0]] = await work(next[1]);
  };
  await Promise.all(Array.from({ length: Math.min(callsAtOnce, items.length) }, worker));
  return results;
}

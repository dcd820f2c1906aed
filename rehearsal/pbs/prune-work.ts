import { manifestName, timeName } from "./archive.ts";
import { type OpenStore, owns } from "./groups.ts";
import { type KeepRules, keepRuleNames, keepsSomething, markBackups, type PruneMark } from "./prune.ts";
import { listNamespaces, listSnapshots, removeSnapshot, type Snapshot } from "./snapshots.ts";
import type { TaskRun } from "./tasks.ts";

/** What to prune of a datastore. */
export interface PruneWork {
  readonly rules: KeepRules;
  readonly ns: string;
  readonly maxDepth: number;
  /** Says what would happen, and does nothing. */
  readonly dryRun: boolean;
  /** Only groups that this user owns; all where undefined. */
  readonly owner?: string | undefined;
}

/** What happens to each backup of a group, newest first. */
export function markGroup(snapshots: readonly Snapshot[], rules: KeepRules): Map<Snapshot, PruneMark> {
  const prunable = snapshots.map((snapshot) => ({
    snapshot,
    time: snapshot.time,
    protected: snapshot.protected,
    finished: snapshot.files.some(({ filename }) => filename === manifestName),
  }));
  return new Map([...markBackups(prunable, rules)].map(([{ snapshot }, mark]) => [snapshot, mark]));
}

/** Prunes the groups of a namespace and of those below it. */
export async function pruneStore(store: OpenStore, work: PruneWork, run: TaskRun): Promise<void> {
  const where = work.ns === "" ? "root namespace" : `namespace '${work.ns}'`;
  await run.log(
    `Starting datastore prune on datastore '${store.name}', ${where}, down to depth ${work.maxDepth}`,
  );
  await logRules(work.rules, run);
  for (const ns of await listNamespaces(store.root, work.ns, work.maxDepth)) {
    for (const [group, snapshots] of groupsOf(await listSnapshots(store.root, ns))) {
      if (work.owner !== undefined && !owns(snapshots[0]?.owner, work.owner)) continue;
      await run.log(`Pruning group ${ns}:"${group}"`);
      await pruneGroup(snapshots, work, run);
    }
  }
}

/** Prunes one group. */
export async function pruneGroup(
  snapshots: readonly Snapshot[],
  { rules, dryRun }: Pick<PruneWork, "rules" | "dryRun">,
  run: Pick<TaskRun, "log" | "signal">,
): Promise<void> {
  for (const [snapshot, mark] of markGroup(snapshots, rules)) {
    run.signal.throwIfAborted();
    const name = `${snapshot.type}/${snapshot.id}/${timeName(snapshot.time)}`;
    await run.log(`${dryRun ? "would " : ""}${mark} ${name}`);
    if (mark === "remove" && !dryRun) await removeSnapshot(snapshot);
  }
}

export async function logRules(rules: KeepRules, run: Pick<TaskRun, "log">): Promise<void> {
  const given = keepRuleNames.filter((name) => rules[name]).map((name) => `--${name} ${rules[name]}`);
  await run.log(
    keepsSomething(rules)
      ? `retention options: ${given.join(" ")}`
      : "No prune selection - keeping all files.",
  );
}

/** Backups by group, `vm/100`. */
export function groupsOf<T extends { readonly type: string; readonly id: string }>(
  snapshots: readonly T[],
): Map<string, T[]> {
  return Map.groupBy(snapshots, ({ type, id }) => `${type}/${id}`);
}

import type { Context } from "../context.ts";
import { Failure, messageOf } from "../exit-codes.ts";
import { isValidated } from "./manifest.ts";
import { type PruneCandidate, type PruneRule, planPrune, type Verdict } from "./prune.ts";
import { type Inventory, listRuns, type Run, removeRun } from "./runs.ts";
import { removeUnfinished } from "./unfinished.ts";

const reasons: Readonly<Record<PruneRule, string>> = {
  newestUnproven: "the newest run is not proven, so that nothing goes",
  tooFewValidated: "fewer runs are validated than must stay, so that nothing goes",
  keepLast: "it is one of the newest",
  keepHourly: "it is the newest of its hour",
  keepDaily: "it is the newest of its day",
  keepWeekly: "it is the newest of its week",
  keepMonthly: "it is the newest of its month",
  keepYearly: "it is the newest of its year",
  keepDays: "it is young enough",
  keepValidated: "it is one of the validated runs that stay whatever their age",
  requireOffsite: "it has no confirmed copy in the archive",
  none: "no rule keeps it",
};

/** What {@link prune} would do, one event a run; changes nothing. */
export async function previewPrune(context: Context): Promise<void> {
  for (const { id, mark, rule } of plan(context, await inventoryOf(context))) {
    context.report.event("info", "prune-planned", `${mark} run ${id}: ${reasons[rule]}`, {
      run: id,
      mark,
      rule,
    });
  }
}

/**
 * Removes the runs that no rule of `retention` keeps. Only under the cluster's lock. Fails as `preflight`, with nothing
 * changed, while the newest run is not complete and validated; a run that cannot be removed does not hold up the others.
 */
export async function prune(context: Context): Promise<void> {
  const inventory = await inventoryOf(context);
  const verdicts = plan(context, inventory);
  if (verdicts[0]?.rule === "newestUnproven") {
    throw new Failure(
      "preflight",
      `nothing is pruned: the newest run ${verdicts[0].id} is not proven; \`dbkeeper validate\` it, or dump anew`,
    );
  }
  await removeUnfinished(context);
  const failures: string[] = [];
  for (const { id } of verdicts.filter(({ mark }) => mark === "remove")) {
    const run = inventory.runs.find((candidate) => candidate.id === id);
    if (run === undefined) continue;
    context.signal.throwIfAborted();
    try {
      await removeRun(run);
      context.report.event("info", "run-pruned", `removed run ${id}: ${reasons.none}`, { run: id });
    } catch (error) {
      failures.push(messageOf(error));
    }
  }
  if (failures.length > 0) throw new Failure("other", failures.join("; "));
}

function inventoryOf({ config }: Context): Promise<Inventory> {
  return listRuns(config.directory, config.cluster.name);
}

function plan({ config, now }: Context, { runs, unreadable }: Inventory): Verdict[] {
  const candidates = runs.map(candidateOf);
  const newest = runs.at(-1)?.id ?? "";
  const damaged = unreadable.filter(({ id }) => id > newest);
  // A damaged run is never pruned itself, but while it is the newest it says that something is wrong.
  const stopped = damaged.map(({ id }): PruneCandidate => {
    const never = { validated: false, offsite: false, retrievedAt: null };
    return { id, finishedAt: new Date(8.64e15), ...never };
  });
  return planPrune([...candidates, ...stopped], config.retention, now());
}

function candidateOf({ id, manifest }: Run): PruneCandidate {
  const retrievedAt = manifest.offsite?.retrievedAt ?? null;
  return {
    id,
    finishedAt: new Date(manifest.finishedAt),
    validated: isValidated(manifest),
    offsite: manifest.offsite !== null,
    retrievedAt: retrievedAt === null ? null : new Date(retrievedAt),
  };
}

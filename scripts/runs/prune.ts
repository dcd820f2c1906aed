/** What {@link choosePrune} needs to know of a run. */
export interface PruneCandidate {
  id: string;
  finishedAt: Date;
  /** Restored and compared, complete. */
  validated: boolean;
}

/** What to keep. */
export interface KeepPolicy {
  /** Age in days from which a run may go. */
  keepDays: number;
  /** Validated runs that stay whatever their age. */
  keepValidated: number;
}

/**
 * Chooses the runs to remove: those older than `keepDays`, except the newest `keepValidated` validated ones.
 * While there are fewer validated runs than that, nothing goes: an unproven copy may then be the only one.
 */
export function choosePrune(runs: readonly PruneCandidate[], policy: KeepPolicy, now: Date): string[] {
  const newestFirst = runs.toSorted((a, b) => b.finishedAt.getTime() - a.finishedAt.getTime());
  const validated = newestFirst.filter((run) => run.validated);
  if (validated.length < policy.keepValidated) return [];
  const floor = new Set(validated.slice(0, policy.keepValidated));
  const oldestAllowed = now.getTime() - policy.keepDays * 86_400_000;
  return newestFirst
    .filter((run) => run.finishedAt.getTime() < oldestAllowed && !floor.has(run))
    .map((run) => run.id);
}

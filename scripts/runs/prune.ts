import type { Retention } from "./prune-config.ts";

/** What {@link planPrune} needs to know of a run. */
export interface PruneCandidate {
  id: string;
  finishedAt: Date;
  /** Restored and compared, complete. */
  validated: boolean;
  /** Whether its copy in the archive is confirmed. */
  offsite: boolean;
  /** When it was fetched back from the archive; `null` for one that was always here. */
  retrievedAt: Date | null;
}

/** Why a run stays, or `none` where nothing keeps it. */
export type PruneRule =
  | "newestUnproven"
  | "tooFewValidated"
  | CalendarRule
  | "keepDays"
  | "keepValidated"
  | "requireOffsite"
  | "none";

type CalendarRule = "keepLast" | "keepHourly" | "keepDaily" | "keepWeekly" | "keepMonthly" | "keepYearly";

/** What happens to a run, and by which rule. */
export interface Verdict {
  id: string;
  mark: "keep" | "remove";
  rule: PruneRule;
}

const dayMs = 86_400_000;

/** How long a run that was fetched back stays where the policy does not go by age. */
const retrievedKeepDays = 7;

/** In which period a run lies: the order is that in which the rules apply. */
const periods: readonly (readonly [CalendarRule, (run: PruneCandidate) => string | number])[] = [
  ["keepLast", ({ id }) => id],
  ["keepHourly", ({ finishedAt }) => Math.floor(finishedAt.getTime() / 3_600_000)],
  ["keepDaily", ({ finishedAt }) => Math.floor(finishedAt.getTime() / dayMs)],
  // The epoch was a Thursday: three days later a Monday-based week has its fourth day.
  ["keepWeekly", ({ finishedAt }) => Math.floor((finishedAt.getTime() / dayMs + 3) / 7)],
  ["keepMonthly", ({ finishedAt }) => finishedAt.toISOString().slice(0, 7)],
  ["keepYearly", ({ finishedAt }) => finishedAt.getUTCFullYear()],
];

/**
 * What happens to each run, newest first. Nothing goes while the newest run is not proven (it may be the one sign that
 * something breaks the dumps) or while fewer runs are validated than must always stay (an unproven copy may then be the
 * only one). What was never proven gets no copy in the archive, so that it waits for none.
 */
export function planPrune(runs: readonly PruneCandidate[], policy: Retention, now: Date): Verdict[] {
  const newestFirst = runs.toSorted(
    (a, b) => b.finishedAt.getTime() - a.finishedAt.getTime() || (a.id < b.id ? 1 : -1),
  );
  const validated = newestFirst.filter((run) => run.validated);
  const all = (rule: PruneRule) => newestFirst.map(({ id }): Verdict => ({ id, mark: "keep", rule }));
  if (newestFirst[0]?.validated === false) return all("newestUnproven");
  if (validated.length < policy.keepValidated) return all("tooFewValidated");
  const byCalendar = keptByCalendar(validated, policy);
  const floor = new Set(validated.slice(0, policy.keepValidated));
  return newestFirst.map((run) => {
    const rule =
      byCalendar.get(run) ??
      (isYoung(run, policy, now)
        ? "keepDays"
        : floor.has(run)
          ? "keepValidated"
          : policy.requireOffsite && run.validated && !run.offsite
            ? "requireOffsite"
            : "none");
    return { id: run.id, mark: rule === "none" ? "remove" : "keep", rule };
  });
}

/**
 * The algorithm of Proxmox Backup Server (pbs-datastore, `compute_prune_info`): each rule takes the newest run of a
 * period in which no earlier rule has kept one, until it has its number; the others of that period go.
 */
function keptByCalendar(
  newestFirst: readonly PruneCandidate[],
  policy: Retention,
): Map<PruneCandidate, CalendarRule> {
  const kept = new Map<PruneCandidate, CalendarRule>();
  const passedOver = new Set<PruneCandidate>();
  for (const [rule, periodOf] of periods) {
    const covered = new Set([...kept.keys()].map(periodOf));
    const taken = new Set<string | number>();
    for (const run of newestFirst) {
      const period = periodOf(run);
      if (kept.has(run) || passedOver.has(run) || covered.has(period)) continue;
      if (taken.has(period)) passedOver.add(run);
      else if (taken.size === (policy[rule] ?? 0)) break;
      else {
        taken.add(period);
        kept.set(run, rule);
      }
    }
  }
  return kept;
}

/** By its own age, or since it was fetched back: nobody fetches a run to lose it with the next timer. */
function isYoung({ finishedAt, retrievedAt }: PruneCandidate, { keepDays }: Retention, now: Date): boolean {
  const isWithin = (time: Date, days: number) => time.getTime() >= now.getTime() - days * dayMs;
  return (
    (keepDays !== undefined && isWithin(finishedAt, keepDays)) ||
    (retrievedAt !== null && isWithin(retrievedAt, keepDays ?? retrievedKeepDays))
  );
}

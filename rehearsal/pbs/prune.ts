/** A backup as pruning sees it. */
export interface Prunable {
  /** Seconds since 1970. */
  readonly time: number;
  readonly protected: boolean;
  /** False for one without a manifest: it failed, or still runs. Default true. */
  readonly finished?: boolean;
}

/** What happens to a backup. A partial one is kept while it is the newest, since it may still run. */
export type PruneMark = "keep" | "keep-partial" | "remove" | "protected";

export type KeepRules = Readonly<Partial<Record<KeepRule, number>>>;
type KeepRule = "keep-last" | "keep-hourly" | "keep-daily" | "keep-weekly" | "keep-monthly" | "keep-yearly";

const periodOf: Readonly<Record<KeepRule, (date: Date) => string>> = {
  "keep-last": (date) => date.toISOString(),
  "keep-hourly": (date) => date.toISOString().slice(0, 13),
  "keep-daily": (date) => date.toISOString().slice(0, 10),
  "keep-weekly": isoWeek,
  "keep-monthly": (date) => date.toISOString().slice(0, 7),
  "keep-yearly": (date) => date.toISOString().slice(0, 4),
};

export const keepRuleNames = Object.keys(periodOf) as KeepRule[];

/** Whether any rule keeps anything; without one, nothing is pruned. */
export function keepsSomething(rules: KeepRules): boolean {
  return keepRuleNames.some((name) => rules[name]);
}

/**
 * What happens to each backup of one group, newest first. The rules run from last to yearly; each keeps the newest
 * backup of a period in which no earlier rule kept one, until it has kept its number. Without rules everything stays.
 */
export function markBackups<B extends Prunable>(backups: readonly B[], rules: KeepRules): Map<B, PruneMark> {
  const newestFirst = backups.toSorted((a, b) => b.time - a.time);
  const marks = new Map<B, PruneMark>();
  markUnfinished(newestFirst, marks);
  for (const name of keepRuleNames) {
    const count = rules[name];
    if (count) markByRule(newestFirst, marks, periodOf[name], count);
  }
  const rest = keepsSomething(rules) ? "remove" : "keep";
  const final = (backup: B): PruneMark => {
    if (backup.protected) return "protected";
    const mark = marks.get(backup) ?? rest;
    return rest === "keep" && mark === "remove" ? "keep" : mark;
  };
  return new Map(newestFirst.map((backup) => [backup, final(backup)]));
}

/** Which backups of one group stay. */
export function selectKept<B extends Prunable>(backups: readonly B[], rules: KeepRules): Set<B> {
  return new Set(
    [...markBackups(backups, rules)].filter(([, mark]) => mark !== "remove").map(([backup]) => backup),
  );
}

function markUnfinished<B extends Prunable>(newestFirst: readonly B[], marks: Map<B, PruneMark>): void {
  for (const [index, backup] of newestFirst.entries()) {
    if (backup.finished !== false) continue;
    marks.set(backup, index === 0 ? "keep-partial" : "remove");
  }
}

function markByRule<B extends Prunable>(
  newestFirst: readonly B[],
  marks: Map<B, PruneMark>,
  periodAt: (date: Date) => string,
  count: number,
): void {
  const period = ({ time }: B) => periodAt(new Date(time * 1000));
  const covered = new Set([...marks].filter(([, mark]) => mark === "keep").map(([backup]) => period(backup)));
  const taken = new Set<string>();
  for (const backup of newestFirst) {
    if (marks.has(backup) || backup.protected || covered.has(period(backup))) continue;
    if (!taken.has(period(backup))) {
      if (taken.size >= count) break;
      taken.add(period(backup));
      marks.set(backup, "keep");
    } else {
      marks.set(backup, "remove");
    }
  }
}

function isoWeek(date: Date): string {
  const day = date.getUTCDay() || 7;
  // A week belongs to the year of its Thursday.
  const thursday = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate() + 4 - day));
  const yearStart = Date.UTC(thursday.getUTCFullYear(), 0, 1);
  const week = Math.floor((thursday.getTime() - yearStart) / 86_400_000 / 7) + 1;
  return `${thursday.getUTCFullYear()}/${week}`;
}

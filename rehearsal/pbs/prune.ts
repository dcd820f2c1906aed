/** A backup as pruning sees it. */
export interface Prunable {
  /** Seconds since 1970. */
  readonly time: number;
  readonly protected: boolean;
}

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

/**
 * Which backups of one group stay. The rules run from last to yearly; each keeps the newest backup of a period in
 * which no earlier rule kept one, until it has kept its number. Without rules everything stays.
 */
export function selectKept<B extends Prunable>(backups: readonly B[], rules: KeepRules): Set<B> {
  const names = Object.keys(periodOf) as KeepRule[];
  const newestFirst = backups.toSorted((a, b) => b.time - a.time);
  if (names.every((name) => !rules[name])) return new Set(backups);
  const kept = new Set<B>();
  const decided = new Set<B>(newestFirst.filter((backup) => backup.protected));
  for (const name of names) {
    const count = rules[name];
    if (!count) continue;
    const period = (backup: B) => periodOf[name](new Date(backup.time * 1000));
    const covered = new Set([...kept].map(period));
    const taken = new Set<string>();
    for (const backup of newestFirst) {
      if (decided.has(backup) || covered.has(period(backup))) continue;
      if (!taken.has(period(backup))) {
        if (taken.size >= count) break;
        taken.add(period(backup));
        kept.add(backup);
      }
      decided.add(backup);
    }
  }
  return new Set(backups.filter((backup) => kept.has(backup) || backup.protected));
}

function isoWeek(date: Date): string {
  const day = date.getUTCDay() || 7;
  // A week belongs to the year of its Thursday.
  const thursday = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate() + 4 - day));
  const yearStart = Date.UTC(thursday.getUTCFullYear(), 0, 1);
  const week = Math.floor((thursday.getTime() - yearStart) / 86_400_000 / 7) + 1;
  return `${thursday.getUTCFullYear()}/${week}`;
}

import { formatSeconds } from "../events.ts";
import { exitCodes } from "../exit-codes.ts";
import type { History } from "./history.ts";
import type { Report, ReportInput } from "./model.ts";

/** What somebody should look at, the most urgent first, each with what to do next. */
export function attentionOf({
  period,
  databases,
  disk,
  sizes,
  now,
  maximumDumpAgeHours,
  history,
  lengthDays,
}: Pick<Report, "period" | "databases" | "disk"> &
  Pick<ReportInput, "sizes" | "now" | "maximumDumpAgeHours" | "history"> & {
    lengthDays: number;
  }): string[] {
  const found: string[] = [];
  if (history.runs.length === 0) found.push("There is no dump yet: dbkeeper run takes and proves the first.");
  const never = databases.filter(({ lastProvenAt }) => lastProvenAt === null).map(({ name }) => name);
  if (never.length > 0)
    found.push(
      `No dump of ${listOf(never)} was ever proven by a restore: dbkeeper validate says why, or proves the newest.`,
    );
  const old = databases.flatMap(({ name, lastProvenAt }) => {
    const age = lastProvenAt === null ? 0 : (now.getTime() - Date.parse(lastProvenAt)) / 1000;
    return age > maximumDumpAgeHours * 3600 ? [`${name} (${formatSeconds(age)})`] : [];
  });
  if (old.length > 0)
    found.push(
      `The newest proven dump is older than ${maximumDumpAgeHours} h: ${listOf(old)}. dbkeeper run takes and proves another.`,
    );
  const lacking = period.runs - period.complete;
  if (lacking > 0)
    found.push(
      `${countOf(lacking, period.runs)} dumped not every database: ${listOf(missedIn(history, now, lengthDays))}. dbkeeper status gives the reasons.`,
    );
  const unproven = period.complete - period.proven;
  if (unproven > 0)
    found.push(`${countOf(unproven, period.complete)} with every database was not proven by a restore.`);
  for (const { command, failed, runs, lastFailedAt, lastExitCode } of failuresOf(history, now, lengthDays))
    found.push(
      `dbkeeper ${command} failed ${failed} of ${runs} times, last at ${lastFailedAt.slice(0, 16).replace("T", " ")} UTC with code ${lastExitCode} (${meaningOf(lastExitCode)}): see the journal of its unit.`,
    );
  if (disk !== null && disk.usedPercent >= 75)
    found.push(`The disk of the dumps is ${disk.usedPercent.toFixed(0)} % full.`);
  const soon = disk?.daysUntilPercent[80] ?? null;
  if (soon !== null && soon > 0 && soon < 90)
    found.push(`The disk of the dumps reaches 80 % in ${Math.ceil(soon)} days: plan more room.`);
  if (sizes === undefined)
    found.push("The server did not say how large its databases are now: dbkeeper health tells more.");
  return found;
}

function isWithin(at: string, now: Date, days: number): boolean {
  return Date.parse(at) >= now.getTime() - days * 86_400_000;
}

/** Databases that runs of the period lack. */
function missedIn({ runs }: History, now: Date, days: number): string[] {
  return [
    ...new Set(runs.flatMap((run) => (isWithin(run.finishedAt, now, days) ? run.failed : []))),
  ].toSorted();
}

/** Commands of the period that failed, each with how its last failure ended. */
function failuresOf({ commands }: History, now: Date, days: number) {
  const mine = commands.filter(({ finishedAt }) => isWithin(finishedAt, now, days));
  return [...Map.groupBy(mine, ({ command }) => command)].flatMap(([command, ended]) => {
    const failed = ended.filter(({ exitCode }) => exitCode !== 0);
    const last = failed.at(-1);
    if (last === undefined) return [];
    const { finishedAt: lastFailedAt, exitCode: lastExitCode } = last;
    return [{ command, failed: failed.length, runs: ended.length, lastFailedAt, lastExitCode }];
  });
}

function meaningOf(code: number): string {
  return Object.values(exitCodes).find((one) => one.code === code)?.meaning ?? "see its journal";
}

function listOf(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

function countOf(some: number, all: number): string {
  return all === 1 ? "The run" : `${some} of ${all} runs`;
}

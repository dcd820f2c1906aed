import { attentionOf } from "./attention.ts";
import { daysUntil, type Forecast, forecast, type Point } from "./forecast.ts";
import type { CommandRecord, History, RunRecord } from "./history.ts";

/** Reports and the days that each looks back on. */
export const kinds = { daily: 1, weekly: 7, monthly: 30 } as const;

/** See {@link kinds}. */
export type Kind = keyof typeof kinds;

/** Runs of a period. */
export interface Counts {
  runs: number;
  /** Without a failed database. */
  complete: number;
  /** Complete, restored and compared. */
  proven: number;
  offsite: number;
  /** Mean time of a run's dumps; `null` without runs. */
  meanDurationSeconds: number | null;
  /** Mean size of a run; `null` without runs. */
  meanDumpBytes: number | null;
  /** Longest time from the end of a run's dumps to the end of its copy; `null` where nothing was copied. */
  longestOffsiteLagSeconds: number | null;
  failedCommands: number;
}

/** One database in a report. */
export interface DatabaseReport {
  name: string;
  databaseBytes: number | null;
  dumpBytes: number | null;
  durationSeconds: number | null;
  lastDumpAt: string | null;
  lastProvenAt: string | null;
  lastOffsiteAt: string | null;
  /** Of the size on the server; `null` for fewer than three sizes. */
  growth: Forecast | null;
}

/** What `dbkeeper report --json` prints and sends; times in ISO 8601 UTC. A stable interface. */
export interface Report {
  formatVersion: 1;
  kind: Kind;
  cluster: string;
  from: string;
  to: string;
  period: Counts;
  /** The period of the same length before. */
  before: Counts;
  /** Seven days that end with today, by UTC date. */
  sevenDays: (Counts & { date: string })[];
  databases: DatabaseReport[];
  commands: { command: string; runs: number; failed: number; meanDurationSeconds: number; lastAt: string }[];
  disk: DiskReport | null;
  /** What somebody should look at, the most urgent first. */
  attention: string[];
}

/** Room for the dumps. */
export interface DiskReport {
  freeBytes: number;
  sizeBytes: number;
  usedPercent: number;
  /** Days until the used part reaches these percentages; `null` where it does not within ten years. */
  daysUntilPercent: Record<"75" | "80" | "85", number | null>;
}

/** What a report is made of. */
export interface ReportInput {
  kind: Kind;
  cluster: string;
  now: Date;
  history: History;
  /** Sizes on the server now; `undefined` where it did not answer. */
  sizes: readonly { name: string; bytes: number | null }[] | undefined;
  maximumDumpAgeHours: number;
}

const dayMilliseconds = 86_400_000;

/** Puts a report together. */
export function reportOf({ kind, cluster, now, history, sizes, maximumDumpAgeHours }: ReportInput): Report {
  const length = kinds[kind] * dayMilliseconds;
  const to = now.getTime();
  const count = (from: number, until: number) => countsOf(history, from, until);
  const today = Math.floor(to / dayMilliseconds) * dayMilliseconds;
  const databases = databasesOf(history.runs, sizes, now);
  const period = count(to - length, to + 1);
  const disk = diskOf(history.commands, now);
  return {
    formatVersion: 1,
    kind,
    cluster,
    from: new Date(to - length).toISOString(),
    to: now.toISOString(),
    period,
    before: count(to - 2 * length, to - length),
    sevenDays: Array.from({ length: 7 }, (_, index) => {
      const start = today - (6 - index) * dayMilliseconds;
      return { date: new Date(start).toISOString().slice(0, 10), ...count(start, start + dayMilliseconds) };
    }),
    databases,
    commands: commandsOf(history.commands, to - length),
    disk,
    attention: attentionOf({
      period,
      databases,
      disk,
      sizes,
      now,
      maximumDumpAgeHours,
      history,
      lengthDays: kinds[kind],
    }),
  };
}

function countsOf({ runs, commands }: History, from: number, until: number): Counts {
  const within = (at: string) => Date.parse(at) >= from && Date.parse(at) < until;
  const mine = runs.filter(({ finishedAt }) => within(finishedAt));
  const lags = mine.flatMap(({ finishedAt, offsiteAt }) =>
    offsiteAt === null ? [] : [secondsBetween(finishedAt, offsiteAt)],
  );
  return {
    runs: mine.length,
    complete: mine.filter(({ failed }) => failed.length === 0).length,
    proven: mine.filter(({ proven }) => proven).length,
    offsite: mine.filter(({ offsiteAt }) => offsiteAt !== null).length,
    meanDurationSeconds: mean(mine.map(({ startedAt, finishedAt }) => secondsBetween(startedAt, finishedAt))),
    meanDumpBytes: mean(
      mine.map(({ databases }) => databases.reduce((sum, { dumpBytes }) => sum + dumpBytes, 0)),
    ),
    longestOffsiteLagSeconds: lags.length === 0 ? null : Math.max(...lags),
    failedCommands: commands.filter(({ exitCode, finishedAt }) => exitCode !== 0 && within(finishedAt))
      .length,
  };
}

function databasesOf(runs: readonly RunRecord[], sizes: ReportInput["sizes"], now: Date): DatabaseReport[] {
  const newest = runs.at(-1);
  const names = new Set([...(newest?.databases ?? []).map(({ name }) => name), ...(newest?.failed ?? [])]);
  return [...names].toSorted().map((name) => {
    const having = runs.filter(({ databases }) => databases.some((entry) => entry.name === name));
    const entry = having.at(-1)?.databases.find((candidate) => candidate.name === name);
    const current = sizes?.find((size) => size.name === name)?.bytes ?? null;
    const points = having.flatMap((run): Point[] => {
      const value = run.databases.find((candidate) => candidate.name === name)?.databaseBytes;
      return value === null || value === undefined
        ? []
        : [{ seconds: Date.parse(run.startedAt) / 1000, value }];
    });
    if (current !== null) points.push({ seconds: now.getTime() / 1000, value: current });
    return {
      name,
      databaseBytes: current ?? entry?.databaseBytes ?? null,
      dumpBytes: entry?.dumpBytes ?? null,
      durationSeconds: entry?.durationSeconds ?? null,
      lastDumpAt: having.at(-1)?.finishedAt ?? null,
      lastProvenAt: having.findLast(({ proven }) => proven)?.finishedAt ?? null,
      lastOffsiteAt: having.findLast(({ offsiteAt }) => offsiteAt !== null)?.finishedAt ?? null,
      growth: forecast(points, now.getTime() / 1000) ?? null,
    };
  });
}

function commandsOf(commands: readonly CommandRecord[], from: number): Report["commands"] {
  const mine = commands.filter(({ finishedAt }) => Date.parse(finishedAt) >= from);
  return [...Map.groupBy(mine, ({ command }) => command)]
    .map(([command, ended]) => ({
      command,
      runs: ended.length,
      failed: ended.filter(({ exitCode }) => exitCode !== 0).length,
      meanDurationSeconds: mean(ended.map((one) => secondsBetween(one.startedAt, one.finishedAt))) ?? 0,
      lastAt: ended.at(-1)?.finishedAt ?? "",
    }))
    .toSorted((a, b) => (a.command < b.command ? -1 : 1));
}

function diskOf(commands: readonly CommandRecord[], now: Date): DiskReport | null {
  const known = commands.flatMap(({ disk, finishedAt }) =>
    disk === null ? [] : [{ ...disk, seconds: Date.parse(finishedAt) / 1000 }],
  );
  const newest = known.at(-1);
  if (newest === undefined) return null;
  const { freeBytes, sizeBytes } = newest;
  // A disk that was exchanged for a larger one starts anew.
  const points = known
    .filter((one) => one.sizeBytes === sizeBytes)
    .map((one) => ({ seconds: one.seconds, value: one.sizeBytes - one.freeBytes }));
  const until = (percent: number) => daysUntil(points, (sizeBytes * percent) / 100, now.getTime() / 1000);
  return {
    freeBytes,
    sizeBytes,
    usedPercent: sizeBytes === 0 ? 0 : (1 - freeBytes / sizeBytes) * 100,
    daysUntilPercent: { 75: until(75), 80: until(80), 85: until(85) },
  };
}

function secondsBetween(from: string, to: string): number {
  return Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000);
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

import { formatBytes } from "../events.ts";
import type { Counts, Report } from "./model.ts";
import { bytes, change, expectation, nothing, seconds, share, type Table, time } from "./text.ts";

/** The tables of a report, in their order. */
export function tablesOf(report: Report): Table[] {
  return [
    periodTable(report),
    dayTable(report),
    databaseTable(report),
    growthTable(report),
    diskTable(report),
    commandTable(report),
  ];
}

function periodTable({ period, before }: Report): Table {
  const row = (name: string, value: (counts: Counts) => string, of: (counts: Counts) => number | null) => [
    name,
    value(period),
    value(before),
    change(of(period), of(before)),
  ];
  const count = (name: string, of: (counts: Counts) => number) =>
    row(name, (counts) => share(of(counts), counts), of);
  return {
    title: "Runs",
    columns: ["", "this period", "the one before", "change"],
    rows: [
      row(
        "runs",
        ({ runs }) => String(runs),
        ({ runs }) => runs,
      ),
      count("complete", ({ complete }) => complete),
      count("proven by a restore", ({ proven }) => proven),
      count("copied off-site", ({ offsite }) => offsite),
      row(
        "mean duration of the dumps",
        (of) => seconds(of.meanDurationSeconds),
        (of) => of.meanDurationSeconds,
      ),
      row(
        "mean size",
        (of) => bytes(of.meanDumpBytes),
        (of) => of.meanDumpBytes,
      ),
      row(
        "longest time to off-site",
        (of) => seconds(of.longestOffsiteLagSeconds),
        (of) => of.longestOffsiteLagSeconds,
      ),
      row(
        "failed commands",
        (of) => String(of.failedCommands),
        (of) => of.failedCommands,
      ),
    ],
    empty: "",
  };
}

function dayTable({ sevenDays }: Report): Table {
  return {
    title: "The last seven days",
    columns: ["day (UTC)", "runs", "complete", "proven", "off-site", "duration", "size", "failed commands"],
    rows: sevenDays.map((day) => [
      day.date,
      String(day.runs),
      String(day.complete),
      String(day.proven),
      String(day.offsite),
      seconds(day.meanDurationSeconds),
      bytes(day.meanDumpBytes),
      String(day.failedCommands),
    ]),
    empty: "",
  };
}

function databaseTable({ databases }: Report): Table {
  return {
    title: "Databases",
    columns: ["database", "size", "dump", "duration", "last dump", "last proven", "last off-site"],
    rows: databases.map((database) => [
      database.name,
      bytes(database.databaseBytes),
      bytes(database.dumpBytes),
      seconds(database.durationSeconds),
      time(database.lastDumpAt),
      time(database.lastProvenAt),
      time(database.lastOffsiteAt),
    ]),
    empty: "No database was dumped yet.",
  };
}

function growthTable({ databases }: Report): Table {
  return {
    title: "Growth",
    columns: ["database", "a day", "fit", "in 30 days", "in 90 days", "in 365 days"],
    rows: databases.flatMap(({ name, growth }) =>
      growth === null
        ? []
        : [
            [
              name,
              `${growth.perDay < 0 ? "-" : ""}${formatBytes(Math.abs(Math.round(growth.perDay)))}`,
              `${(growth.fit * 100).toFixed(0)} %`,
              ...growth.expected.map(expectation),
            ],
          ],
    ),
    empty: "A forecast needs three sizes of a database over more than a day.",
  };
}

function diskTable({ disk }: Report): Table {
  const days = (value: number | null) =>
    value === null ? nothing : value === 0 ? "reached" : `${Math.ceil(value)} days`;
  return {
    title: "Room for dumps",
    columns: ["free", "of", "used", "until 75 %", "until 80 %", "until 85 %"],
    rows:
      disk === null
        ? []
        : [
            [
              bytes(disk.freeBytes),
              bytes(disk.sizeBytes),
              `${disk.usedPercent.toFixed(1)} %`,
              ...(["75", "80", "85"] as const).map((percent) => days(disk.daysUntilPercent[percent])),
            ],
          ],
    empty: "Nothing is known of the disk yet.",
  };
}

function commandTable({ commands }: Report): Table {
  return {
    title: "Commands",
    columns: ["command", "runs", "failed", "mean duration", "last"],
    rows: commands.map((one) => [
      one.command,
      String(one.runs),
      String(one.failed),
      seconds(one.meanDurationSeconds),
      time(one.lastAt),
    ]),
    empty: "No command has ended in this period.",
  };
}

/** What a reader must know of the figures. */
export const footnote =
  "Proven: restored into a scratch database and found equal to the source. Forecast: a straight line by least squares through all known sizes, in brackets the bounds between which a size lies with 95 % probability; growth in steps makes them wide. Fit: the part of the variance that the line explains.";

/** The first line of a report: whether all is well. */
export function verdictOf({ attention, period }: Pick<Report, "attention" | "period">): string {
  const { runs } = period;
  const count = attention.length;
  if (count > 0) return `${count} thing${count === 1 ? " needs" : "s need"} attention.`;
  if (runs === 0) return "All is well; no dump was due.";
  return `All is well: ${runs === 1 ? "the dump was" : `all ${runs} dumps were`} proven by restoring.`;
}

/** The title of a report. */
export function titleOf({ kind, cluster, to }: Pick<Report, "kind" | "cluster" | "to">): string {
  return `${kind[0]?.toUpperCase()}${kind.slice(1)} report of ${cluster}, ${to.slice(0, 10)}`;
}

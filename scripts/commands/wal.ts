import { InvalidArgumentError, Option } from "commander";
import type { Context } from "../context.ts";
import { backup, backupTypes, dueBackups, expire, setUp } from "../wal/backup.ts";
import { check } from "../wal/check.ts";
import { drill } from "../wal/drill.ts";
import { parseTarget, type TargetChoice } from "../wal/drill-plan.ts";
import { previewDrill } from "../wal/drill-source.ts";
import { walRecorded } from "../wal/recorded.ts";
import { formatMicros } from "../wal/sentinel.ts";
import { onPrimary } from "../wal/standby.ts";
import { formatWalStatus, readWalStatus } from "../wal/status.ts";
import type { Commands, CommonOptions } from "./command.ts";

type DryRun = CommonOptions & { dryRun?: true };
type DrillOptions = DryRun & { targetTime?: string; random?: number; repository?: number };

const dryRunText = "say what would be done, change nothing";

export function addWal({ add, act, audited, out }: Commands): void {
  const recorded = (context: Context, command: string, work: () => Promise<unknown>) =>
    audited(context, command, () => walRecorded(context, command, () => onPrimary(context, work)));

  add("wal", "WAL archiving and physical backups through pgBackRest; run as the owner of the data directory");

  add("wal setup", "make the stanza in every repository, where it is missing").action(
    act((context) => recorded(context, "wal setup", () => setUp(context))),
  );

  add(
    "wal check",
    "check settings, archiving and the WAL in the repository; fails on all that is wrong",
  ).action(act((context) => recorded(context, "wal check", () => check(context))));

  add("wal status", "tell how archiving goes, which backups there are and what is missing").action(
    act(async (context, options) => {
      const status = await readWalStatus(context);
      out.write(options.json === true ? `${JSON.stringify(status)}\n` : formatWalStatus(status));
    }),
  );

  add("wal backup", "take a physical backup")
    .argument("[type]", `${backupTypes.join(", ")}; default: what the schedule in the configuration wants`)
    .option("--dry-run", dryRunText)
    .addHelpText("after", "\nExample: dbkeeper wal backup full")
    .action((type: string | undefined, options: DryRun, command: { error(text: string): never }) => {
      const wanted = backupTypes.find((known) => known === type);
      if (type !== undefined && wanted === undefined) {
        command.error(`there is no type ${type}; allowed are ${backupTypes.join(", ")}`);
      }
      return act<DryRun>(async (context, { dryRun }) => {
        if (dryRun === true) {
          for (const { type: due, repository } of await dueBackups(context, wanted)) {
            const text = `would take a ${due} backup into repository ${repository}`;
            context.report.event("info", "wal-backup-planned", text, { type: due, repository });
          }
        } else await recorded(context, "wal backup", () => backup(context, wanted));
      })(options);
    });

  add("wal expire", "remove what the retention in pgBackRest's configuration does not keep")
    .option("--dry-run", dryRunText)
    .action(
      act<DryRun>((context, { dryRun }) =>
        dryRun === true
          ? expire(context, true)
          : recorded(context, "wal expire", () => expire(context, false)),
      ),
    );

  add("wal drill", "restore to a time into a scratch cluster and prove it by rows written before and after")
    .addOption(new Option("--target-time <time>", "recover to this time, in ISO 8601 with its zone"))
    .addOption(
      new Option("--random [count]", "recover to random times within reach, one by default")
        .conflicts("targetTime")
        .preset("1")
        .argParser(parseCount),
    )
    .addOption(
      new Option(
        "--repository <number>",
        "restore from this one; default: the one that was not proven the longest",
      ).argParser(parseCount),
    )
    .option("--dry-run", dryRunText)
    .addHelpText("after", "\nExample: dbkeeper wal drill --target-time 2026-06-01T02:00:00Z")
    .action(
      act<DrillOptions>(async (context, options) => {
        const choice = choiceOf(options);
        if (options.dryRun !== true) {
          await recorded(context, "wal drill", () => drill(context, choice));
          return;
        }
        for (const { target, backup: from } of await previewDrill(context, choice)) {
          const text = `would recover to ${formatMicros(target)} from ${from.label}`;
          const facts = { target: formatMicros(target), backup: from.label };
          context.report.event("info", "drill-planned", text, facts);
        }
      }),
    );
}

function choiceOf({ targetTime, random, repository }: DrillOptions): TargetChoice {
  const from = repository === undefined ? {} : { repository };
  if (targetTime !== undefined) return { kind: "time", micros: parseTarget(targetTime), ...from };
  return random === undefined ? { kind: "now", ...from } : { kind: "random", count: random, ...from };
}

function parseCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 100) return count;
  throw new InvalidArgumentError("a number from 1 to 100");
}

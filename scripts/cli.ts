import { Command, CommanderError } from "commander";
import { audited } from "./audit.ts";
import { addArchive } from "./commands/archive.ts";
import type { Commands, CommonOptions } from "./commands/command.ts";
import { addDump } from "./commands/dump.ts";
import { addFailed } from "./commands/failed.ts";
import { addHealth } from "./commands/health.ts";
import { addKept } from "./commands/kept.ts";
import { addMaintain } from "./commands/maintain.ts";
import { addObserve } from "./commands/observe.ts";
import { addPrune } from "./commands/prune.ts";
import { addReport } from "./commands/report.ts";
import { addRestore } from "./commands/restore.ts";
import { addRun } from "./commands/run.ts";
import { addStatus } from "./commands/status.ts";
import { addValidate } from "./commands/validate.ts";
import { addWal } from "./commands/wal.ts";
import { type Config, defaultConfigFile, loadConfig } from "./config.ts";
import { type Context, type LockPurpose, withLock } from "./context.ts";
import { humanReport, jsonReport, type Report, type Sink } from "./events.ts";
import { describeExitCodes, exitCodes, Failure, kindOf, messageOf } from "./exit-codes.ts";
import { refreshMetrics } from "./metrics/metrics.ts";
import { recordHistory } from "./report/history.ts";

/** In the order in which `--help` lists them. */
const commands = [
  addRun,
  addDump,
  addValidate,
  addPrune,
  addArchive,
  addStatus,
  addHealth,
  addObserve,
  addWal,
  addReport,
  addFailed,
  addRestore,
  addKept,
  addMaintain,
];

/** The world around the command line. */
export interface Surroundings {
  out: Sink & { isTTY?: boolean };
  err: Sink;
  /** Fires when the command is to end early. */
  signal: AbortSignal;
}

/** Runs the command line; resolves to the exit code. */
export async function runCli(argv: readonly string[], around: Surroundings): Promise<number> {
  let code = exitCodes.ok.code;
  const program = programFor(around);
  const given: Commands = {
    add: (name, description) =>
      parentOf(program, name)
        .command(name.split(" ").at(-1) ?? name)
        .description(description)
        .option("--config <file>", "configuration file", defaultConfigFile)
        .option("--json", "one JSON line an event, also on a terminal"),
    out: around.out,
    act: (work) => async (options) => {
      code = await perform(options, around, (context) => work(context, options));
    },
    audited: (context, command, work) => audited(context, command, argv, work),
    recorded: (context, command, work, purpose) =>
      audited(context, command, argv, () => recorded(context, command, work, purpose)),
  };
  for (const add of commands) add(given);
  try {
    await program.parseAsync([...argv], { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError)
      return error.exitCode === 0 ? exitCodes.ok.code : exitCodes.usage.code;
    throw error;
  }
}

function programFor(around: Surroundings): Command {
  return (
    new Command("dbkeeper")
      .description("PostgreSQL backups that are proven by restoring them.")
      .configureOutput({
        writeOut: (text) => around.out.write(text),
        writeErr: (text) => around.err.write(text),
      })
      // Else a command takes the options of the commands below it for its own.
      .enablePositionalOptions()
      .exitOverride()
      .showHelpAfterError("Run with --help for usage.")
      .addHelpText("after", `\n${describeExitCodes()}`)
  );
}

/** The command that the last word of a name belongs to; a command of the same name must have been added before. */
function parentOf(program: Command, name: string): Command {
  return name
    .split(" ")
    .slice(0, -1)
    .reduce((parent, word) => {
      const found = parent.commands.find((command) => command.name() === word);
      if (!found) throw new Error(`there is no command ${word} to add ${name} to`);
      return found;
    }, program);
}

async function perform(
  options: CommonOptions,
  around: Surroundings,
  work: (context: Context) => Promise<void>,
): Promise<number> {
  const forPeople = options.json !== true && around.out.isTTY === true;
  const report = forPeople ? humanReport(around.out) : jsonReport(around.out);
  try {
    await work(contextOf(await loadConfig(options.config), report, around));
    return exitCodes.ok.code;
  } catch (error) {
    const kind = kindOf(error);
    const { code } = exitCodes[kind];
    if (forPeople) around.err.write(`dbkeeper: ${messageOf(error)}\n`);
    else report.event("error", "failed", messageOf(error), { kind, exitCode: code });
    return code;
  }
}

function contextOf(config: Config, report: Report, { signal }: Surroundings): Context {
  return { config, report, signal, now: () => new Date() };
}

/** Writes the metrics and the history after the work, also after it failed. Being busy says nothing about the other command. */
async function recorded(
  context: Context,
  command: string,
  work: () => Promise<void>,
  purpose?: LockPurpose,
): Promise<void> {
  const startedAt = context.now();
  const failure = await withLock(context, command, work, purpose).then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
  );
  if (failure !== undefined && kindOf(failure) === "busy") throw failure;
  const { code: exitCode } = exitCodes[failure === undefined ? "ok" : kindOf(failure)];
  const ended = { command, startedAt: startedAt.toISOString(), exitCode };
  await recordHistory(context, ended).catch((error: unknown) => {
    const text = `cannot write down for reports how this ended: ${messageOf(error)}`;
    context.report.event("warning", "history-failed", text);
  });
  try {
    const durationSeconds = (context.now().getTime() - startedAt.getTime()) / 1000;
    await refreshMetrics(context, { command, exitCode, durationSeconds });
  } catch (error) {
    const text = `cannot write ${context.config.metricsFile}: ${messageOf(error)}`;
    context.report.event("error", "metrics-failed", text);
    if (failure === undefined) throw new Failure("other", `${text}; everything else is done`);
  }
  if (failure !== undefined) throw failure;
}

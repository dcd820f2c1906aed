import { Command, CommanderError, Option } from "commander";
import { type Config, defaultConfigFile, loadConfig } from "./config.ts";
import { type Context, withLock } from "./context.ts";
import { dump } from "./dump/dump.ts";
import { humanReport, jsonReport, type Report, type Sink } from "./events.ts";
import { describeExitCodes, exitCodes, Failure, kindOf, messageOf } from "./exit-codes.ts";
import { writeMetrics } from "./metrics/metrics.ts";
import { requireComplete, run } from "./run/run.ts";
import { type Level, levels } from "./runs/manifest.ts";
import { findRun } from "./runs/runs.ts";
import { formatStatus, readStatus } from "./status/status.ts";
import { validate } from "./validate/validate.ts";

/** The world around the command line. */
export interface Surroundings {
  out: Sink & { isTTY?: boolean };
  err: Sink;
  /** Fires when the command is to end early. */
  signal: AbortSignal;
}

interface CommonOptions {
  config: string;
  json?: true;
}

/** Runs the command line; resolves to the exit code. */
export async function runCli(argv: readonly string[], around: Surroundings): Promise<number> {
  let code = exitCodes.ok.code;
  const act =
    (work: (context: Context, options: CommonOptions) => Promise<void>) => async (options: CommonOptions) => {
      code = await perform(options, around, work);
    };
  try {
    await createProgram(around, act).parseAsync([...argv], { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError)
      return error.exitCode === 0 ? exitCodes.ok.code : exitCodes.usage.code;
    throw error;
  }
}

type Act = (
  work: (context: Context, options: CommonOptions) => Promise<void>,
) => (options: CommonOptions) => Promise<void>;

function createProgram(around: Surroundings, act: Act): Command {
  const program = new Command("dbkeeper")
    .description("PostgreSQL backups that are proven by restoring them.")
    .configureOutput({
      writeOut: (text) => around.out.write(text),
      writeErr: (text) => around.err.write(text),
    })
    .exitOverride()
    .showHelpAfterError("Run with --help for usage.")
    .addHelpText("after", `\n${describeExitCodes()}`);
  const add = (name: string, description: string) =>
    program
      .command(name)
      .description(description)
      .option("--config <file>", "configuration file", defaultConfigFile)
      .option("--json", "one JSON line an event, also on a terminal");

  add("run", "dump, validate by restoring, prune; what the timer starts").action(
    act((context) => recorded(context, "run", () => withLock(context, "run", () => run(context)))),
  );
  add("dump", "dump every database and the globals into a new run").action(
    act((context) =>
      recorded(context, "dump", () =>
        withLock(context, "dump", async () => requireComplete(await dump(context))),
      ),
    ),
  );
  add("validate", "prove a run, by default the newest, and record the result in its manifest")
    .argument("[run]", "name of the run, as `status` lists it")
    .addOption(
      new Option("--level <level>", "how far; only `restore` makes a run count")
        .choices(levels)
        .default("restore"),
    )
    .action(async (id: string | undefined, options: CommonOptions & { level: Level }) => {
      const work = async (context: Context) => {
        const { directory, cluster } = context.config;
        await validate(context, await findRun(directory, cluster.name, id), options.level);
      };
      await act((context) =>
        recorded(context, "validate", () => withLock(context, "validate", () => work(context))),
      )(options);
    });
  add("archive", "copy the newest validated run to S3").action(
    act(async (context) => {
      // The S3 client is most of the program and needed only here.
      const { archive } = await import("./archive/archive.ts");
      await recorded(context, "archive", () => withLock(context, "archive", () => archive(context)));
    }),
  );
  add("status", "list the runs, their age and whether they are proven").action(
    act(async ({ config, now }, options) => {
      const status = await readStatus(config, now());
      around.out.write(options.json === true ? `${JSON.stringify(status)}\n` : formatStatus(status));
    }),
  );
  return program;
}

async function perform(
  options: CommonOptions,
  around: Surroundings,
  work: (context: Context, options: CommonOptions) => Promise<void>,
): Promise<number> {
  const forPeople = options.json !== true && around.out.isTTY === true;
  const report = forPeople ? humanReport(around.out) : jsonReport(around.out);
  try {
    const config = await loadConfig(options.config);
    await work(contextOf(config, report, around), options);
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

/** Writes the metrics after the work, also after it failed. Being busy says nothing about the other command. */
async function recorded(context: Context, command: string, work: () => Promise<void>): Promise<void> {
  const failure = await work().then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
  );
  if (failure !== undefined && kindOf(failure) === "busy") throw failure;
  try {
    await writeMetrics(context, command, failure === undefined);
  } catch (error) {
    const text = `cannot write ${context.config.metricsFile}: ${messageOf(error)}`;
    context.report.event("error", "metrics-failed", text);
    if (failure === undefined) throw new Failure("other", `${text}; everything else is done`);
  }
  if (failure !== undefined) throw failure;
}

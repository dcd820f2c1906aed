import { createInterface } from "node:readline/promises";
import { type Command, InvalidArgumentError } from "commander";
import type { Config, Connection } from "../config.ts";
import { Failure } from "../exit-codes.ts";
import { announceRestore, type RestoreRequest, restore } from "../restore/restore.ts";
import type { Commands, CommonOptions } from "./command.ts";

/** Which server is meant. */
export interface ServerOptions extends CommonOptions {
  into?: string;
  host?: string;
  port?: number;
  role?: string;
}

interface RestoreOptions extends ServerOptions {
  database: string[];
  as?: string;
  all?: true;
  globals?: true;
  jobs?: number;
  replace?: true;
  unvalidated?: true;
  yes?: true;
  dryRun?: true;
}

export function addRestore({ add, act, recorded }: Commands): void {
  const command = add(
    "restore",
    "restore databases of a run, by default the newest, and prove that they came back",
  )
    .argument("[run]", "name of the run, as `status` lists it")
    .option("--database <name>", "database of the run; may be repeated", collect, [])
    .option("--as <name>", "restore the one database under this name")
    .option("--all", "every database of the run")
    .option("--globals", "roles, tablespaces and their settings too, before the databases")
    .option("--jobs <number>", "databases at the same time; default `jobs`", wholeNumber)
    .option("--replace", "replace databases that exist; the old ones stay under another name")
    .option("--unvalidated", "also from a run that was not proven by restoring it")
    .option("--yes", "do not ask")
    .option("--dry-run", "print the plan and change nothing");
  addServer(command);
  describe(command);
  command.action((run: string | undefined, options: RestoreOptions) =>
    act(async (context) => {
      const request = requestOf(context.config, run, options);
      await announceRestore(context, request);
      if (options.dryRun === true) return;
      await requireConsent(options, context.signal);
      await recorded(context, "restore", () => restore(context, request));
    })(options),
  );
}

/** Adds the options that name a server. */
export function addServer(command: Command): Command {
  return command
    .option("--into <target>", "server of the configuration's `restore.targets`; default the cluster itself")
    .option("--host <place>", "folder of the server's socket, or its host where the target is in the network")
    .option("--port <number>", "port, in place of the target's", wholeNumber)
    .option("--role <name>", "role, in place of the target's; it must be a superuser");
}

function describe(command: Command): void {
  command.addHelpText(
    "after",
    `
Each database is restored under a name of its own, compared with what was dumped, and gets its name only then.

Examples:
  sudo dbkeeper restore --database desi --as desi_check
  sudo dbkeeper restore --database desi --replace
  sudo dbkeeper restore 20260601T020000Z --all --globals --into recovery`,
  );
}

function requestOf(config: Config, run: string | undefined, options: RestoreOptions): RestoreRequest {
  const { all, as, database, globals } = options;
  const usage = (text: string) => new Failure("usage", text);
  if (all === true && database.length > 0) throw usage("say either --all or --database");
  if (all !== true && database.length === 0 && globals !== true) {
    throw usage("say what to restore: --database, --all or --globals");
  }
  if (as !== undefined && database.length !== 1) throw usage("--as needs exactly one --database");
  return {
    run,
    databases: all === true ? "all" : database,
    as,
    globals: globals === true,
    replace: options.replace === true,
    unvalidated: options.unvalidated === true,
    jobs: options.jobs ?? config.jobs,
    connection: connectionOf(config, options),
  };
}

/** How to reach the server that is meant; by default the cluster itself, as the role that restores. */
export function connectionOf(config: Config, { into, host, port, role }: ServerOptions): Connection {
  const itself: Connection = { ...config.cluster, role: config.restore.role };
  const named = into === undefined ? itself : config.restore.targets[into];
  if (named === undefined) {
    const known = Object.keys(config.restore.targets).join(", ") || "none";
    throw new Failure("usage", `restore.targets has no ${JSON.stringify(into)}; there are: ${known}`);
  }
  const network = named.network && { ...named.network, host: host ?? named.network.host };
  return {
    socketDirectory: host ?? named.socketDirectory,
    port: port ?? named.port,
    role: role ?? named.role,
    maintenanceDatabase: named.maintenanceDatabase,
    network,
  };
}

/** Asks on a terminal, unless it was agreed to beforehand. Fails as `usage` where nobody can be asked. */
export async function requireConsent(
  { json, yes }: { json?: true; yes?: true },
  signal: AbortSignal,
): Promise<void> {
  if (yes === true) return;
  if (json === true || !process.stdin.isTTY || !process.stderr.isTTY) {
    throw new Failure("usage", "nobody can be asked here; add --yes to go on without a question");
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question('Type "yes" to go on: ', { signal });
    if (answer.trim() !== "yes") throw new Failure("other", "nothing was changed: it was not agreed to");
  } finally {
    terminal.close();
  }
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("must be a whole number from 1 on");
}

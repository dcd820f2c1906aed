import type { Command } from "commander";
import { UserError } from "./terminal.ts";

/** What the command line says, as commander gives it. */
export interface RestoreOptions {
  list?: true;
  run?: string;
  database?: string[];
  all?: true;
  globals?: true;
  as?: string;
  to?: string;
  replace?: true;
  unvalidated?: true;
  dryRun?: true;
  yes?: true;
}

/** `lab restore`: `dbkeeper restore` on the host that has the dumps, as root. */
export function register(program: Command): void {
  program
    .command("restore")
    .description("restore databases of the lab on this machine from their dumps")
    .argument("<host>", "the host that has the dumps, for example proj-pg01")
    .option("--list", "only list the runs, their age and whether they are proven")
    .option("--run <id>", "the run to restore from; default the newest")
    .option("--database <names...>", "databases of the run")
    .option("--all", "every database of the run")
    .option("--globals", "roles, tablespaces and their settings too")
    .option("--as <name>", "restore the one database under this name, beside what is there")
    .option("--to <target>", "a server of the host's `restore.targets`; default the host itself")
    .option("--replace", "replace databases that exist; the old ones stay under another name")
    .option("--unvalidated", "also from a run that was not proven by restoring it")
    .option("--dry-run", "print the plan and change nothing")
    .option("--yes", "do not ask")
    .addHelpText(
      "after",
      `
Prints the plan first: what comes back, from which run, to where, how big it is, how long it takes. Then it asks; where
nobody can be asked it needs --yes. The exit code is that of \`dbkeeper restore\`, see docs/dbkeeper.md.

Examples:
  $ ./lab restore proj-pg01 --list
  $ ./lab restore proj-pg01 --database desi_void_desivast --dry-run
  $ ./lab restore proj-pg01 --database desi_void_desivast --as desi_check
  $ ./lab restore proj-pg01 --database desi_void_desivast --replace
  $ ./lab restore proj-pg01 --run 20260601T020000Z --all --globals --replace --yes

To the latest moment, or to a point in time, a whole server comes back from its physical backups: runbooks/restore-host.md.
`,
    )
    .action(async (host: string, options: RestoreOptions) => {
      const { findDatabaseHost } = await import("./database-host.ts");
      const { attachInGuest } = await import("../rehearsal/guests/exec.ts");
      const { leaderPid } = await import("../rehearsal/guests/guest.ts");
      const { place } = await findDatabaseHost(host);
      if ((await leaderPid(place)) === undefined) {
        throw new UserError(`${host} does not run`, { hint: "`./lab up` starts it" });
      }
      // Of an interruption at the terminal the restore hears too, and clears up first.
      process.on("SIGINT", () => undefined);
      process.exitCode = await attachInGuest(place, ["dbkeeper", ...restoreArguments(options)]);
    });
}

/** What `dbkeeper` is started with. */
export function restoreArguments(options: RestoreOptions): string[] {
  if (options.list === true) return ["status"];
  const flags = ["all", "globals", "replace", "unvalidated", "yes"] as const;
  return [
    "restore",
    ...(options.database ?? []).flatMap((name) => ["--database", name]),
    ...(options.as === undefined ? [] : ["--as", options.as]),
    ...(options.to === undefined ? [] : ["--into", options.to]),
    ...flags.flatMap((flag) => (options[flag] === true ? [`--${flag}`] : [])),
    ...(options.dryRun === true ? ["--dry-run"] : []),
    // Behind all options, so that a name that begins with a hyphen is none.
    ...(options.run === undefined ? [] : ["--", options.run]),
  ];
}

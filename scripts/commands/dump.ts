import type { Context } from "../context.ts";
import { dump, planDump } from "../dump/dump.ts";
import { requireComplete } from "../run/run.ts";
import { requireDirectory } from "../runs/runs.ts";
import type { Commands, CommonOptions } from "./command.ts";

interface DumpOptions extends CommonOptions {
  database?: string[];
  fingerprint: boolean;
  dryRun?: true;
}

export function addDump({ add, act, recorded }: Commands): void {
  add("dump", "dump every database and the globals into a new run")
    .option(
      "--database <name>",
      "only this database; may be given again, a glob, or with `!` in front left out (default: as configured)",
      (name: string, before: string[] = []) => [...before, name],
    )
    .option("--no-fingerprint", "do not count and hash rows: faster, but such a run never counts as proven")
    .option("--dry-run", "tell what would be dumped and how, and change nothing")
    .addHelpText("after", "\nExample:\n  dbkeeper dump --database 'proj_*' --database '!proj_scratch'")
    .action(
      act(async (context, options: DumpOptions) => {
        const chosen = withOptions(context, options);
        if (options.dryRun !== true) {
          await recorded(chosen, "dump", async () => requireComplete(await dump(chosen)));
          return;
        }
        await requireDirectory(chosen.config.directory);
        await planDump(chosen);
      }),
    );
}

function withOptions(context: Context, { database, fingerprint }: DumpOptions): Context {
  const { config } = context;
  return {
    ...context,
    config: {
      ...config,
      databases: database ?? config.databases,
      dump: { ...config.dump, fingerprint: config.dump.fingerprint && fingerprint },
    },
  };
}

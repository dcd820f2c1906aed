import type { Command } from "commander";
import { runSteps } from "./terminal.ts";

const examples = `
Examples:
  $ ./lab backup now                    # dump, prove, copy off-site, as the timers do tonight
  $ ./lab backup now --host proj-pg01
`;

/** `lab backup`: what the timers do, now. */
export function register(program: Command): void {
  program
    .command("backup")
    .description("back up the databases of the lab on this machine")
    .addHelpText("after", examples)
    .command("now")
    .description("dump every database of a host, prove the dumps by restoring them, copy them off-site")
    .option("--host <name>", "the database host", "proj-pg01")
    .addHelpText("after", examples)
    .action(async ({ host }: { host: string }) => {
      const { findDatabaseHost } = await import("./database-host.ts");
      const { archiveNow, backUpNow } = await import("../rehearsal/lab/backup-now.ts");
      const { printStatus } = await import("./status.ts");
      const { instance, place } = await findDatabaseHost(host);
      const step = {
        title: `backup of ${host}`,
        run: async () => {
          await backUpNow(place);
          await archiveNow(place);
        },
      };
      await runSteps([step]);
      await printStatus(instance, { json: false });
    });
}

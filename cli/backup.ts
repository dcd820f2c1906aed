import type { Command } from "commander";
import { runSteps, UserError } from "./terminal.ts";

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
      const { findInstance } = await import("../rehearsal/lab/instance.ts");
      const { placeOf } = await import("../rehearsal/lab/places.ts");
      const { archiveNow, backUpNow } = await import("../rehearsal/lab/backup-now.ts");
      const { printStatus } = await import("./status.ts");
      const vmid = await databaseHost(host);
      const instance = await findInstance();
      if (!instance) throw new UserError("there is no lab on this machine", { hint: "`./lab up` builds it" });
      if (instance.guests === "records") {
        throw new UserError("the guests of this lab are records, in which nothing runs", {
          hint: "`./lab down --purge && ./lab up --guests containers` builds one with real guests, as root",
        });
      }
      const step = {
        title: `backup of ${host}`,
        run: async () => {
          const place = placeOf(instance, vmid);
          await backUpNow(place);
          await archiveNow(place);
        },
      };
      await runSteps([step]);
      await printStatus(instance, { json: false });
    });
}

/** The VM that a host with backups of databases is. */
async function databaseHost(name: string): Promise<number> {
  const { default: lab } = await import("../stacks/lab.ts");
  const { guests, databases } = lab();
  const primaries = databases.postgres.map(({ primary }) => primary);
  const id = guests.find((guest) => guest.name === name)?.id;
  if (id !== undefined && primaries.includes(name)) return id;
  throw new UserError(`there is no database host ${name} whose databases are dumped`, {
    hint: `there ${primaries.length === 1 ? "is" : "are"} ${primaries.join(", ")}`,
    exitCode: 2,
  });
}

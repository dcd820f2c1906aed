import type { Command } from "commander";
import { runSteps } from "./terminal.ts";

/** `lab down`: ends everything that `up` started. */
export function register(program: Command): void {
  program
    .command("down")
    .description("end everything that `up` started, also after a crash")
    .option("--purge", "forget the lab's state, data and backups too")
    .addHelpText(
      "after",
      "\nExamples:\n  $ ./lab down\n  $ ./lab down --purge    # start from nothing next time\n",
    )
    .action(async ({ purge: forget }: { purge?: boolean }) => {
      const { findRemains } = await import("../rehearsal/lab/instance.ts");
      const { withLock } = await import("../rehearsal/lab/lock.ts");
      const { purge, takeDown } = await import("../rehearsal/lab/down.ts");
      const instance = await findRemains();
      if (!instance) {
        process.stdout.write("there is no lab on this machine: nothing to do\n");
        return;
      }
      await withLock(instance.folder, "down", () =>
        runSteps([
          { title: "services, guests and network", run: () => takeDown(instance) },
          ...(forget
            ? [
                {
                  title: "state and data",
                  dependsOn: ["services, guests and network"],
                  run: () => purge(instance),
                },
              ]
            : []),
        ]),
      );
    });
}

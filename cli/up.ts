import { type Command, InvalidArgumentError } from "commander";
import { runSteps } from "./terminal.ts";

/** `lab up`: the whole lab on this machine. */
export function register(program: Command): void {
  program
    .command("up")
    .description("build the whole lab on this machine, or bring it back to what the program says")
    .option("--data-mib <mebibytes>", "size of the generated data set", parseSize, 200)
    .addHelpText(
      "after",
      "\nExamples:\n  $ ./lab up\n  $ ./lab up --data-mib 2000   # a larger data set; only for a lab without data\n",
    )
    .action(async ({ dataMib }: { dataMib: number }) => {
      const { openInstance } = await import("../rehearsal/lab/instance.ts");
      const { withLock } = await import("../rehearsal/lab/lock.ts");
      const { upSteps } = await import("../rehearsal/lab/up.ts");
      const { requireGuests } = await import("./requirements.ts");
      const { printStatus } = await import("./status.ts");
      await requireGuests();
      const instance = await openInstance();
      await withLock(instance.folder, "up", () => runSteps(upSteps(instance, { dataMib })));
      await printStatus(instance, { json: false });
    });
}

function parseSize(text: string): number {
  const size = Number(text);
  if (Number.isInteger(size) && size >= 1 && size <= 100_000) return size;
  throw new InvalidArgumentError("It must be a whole number of MiB, 1 to 100000.");
}

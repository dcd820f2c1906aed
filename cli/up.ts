import { type Command, InvalidArgumentError, Option } from "commander";
import { type GuestChoice, guestChoices } from "./guest-kind.ts";
import { runSteps } from "./terminal.ts";

const examples = `
Examples:
  $ ./lab up
  $ ./lab up --data-mib 2000   # a larger data set; only for a lab without data
  $ ./lab up --guests none     # without root: deliveries into folders, nothing runs in them
`;

/** `lab up`: the whole lab on this machine. */
export function register(program: Command): void {
  program
    .command("up")
    .description("build the whole lab on this machine, or bring it back to what the program says")
    .option("--data-mib <mebibytes>", "size of the generated data set", parseSize, 200)
    .addOption(
      new Option(
        "--guests <kind>",
        "containers: real guests (Linux, root); none: records, a folder each, with nothing running in them",
      ).choices(guestChoices),
    )
    .addHelpText("after", examples)
    .action(async ({ dataMib, guests }: { dataMib: number; guests?: GuestChoice }) => {
      const { findInstance, openInstance } = await import("../rehearsal/lab/instance.ts");
      const { withLock } = await import("../rehearsal/lab/lock.ts");
      const { upSteps } = await import("../rehearsal/lab/up.ts");
      const { chooseGuests } = await import("./guest-kind.ts");
      const { printStatus } = await import("./status.ts");
      const kind = await chooseGuests(guests, (await findInstance())?.guests);
      const instance = await openInstance(undefined, kind);
      await withLock(instance.folder, "up", () => runSteps(upSteps(instance, { dataMib })));
      await printStatus(instance, { json: false });
    });
}

function parseSize(text: string): number {
  const size = Number(text);
  if (Number.isInteger(size) && size >= 1 && size <= 100_000) return size;
  throw new InvalidArgumentError("It must be a whole number of MiB, 1 to 100000.");
}

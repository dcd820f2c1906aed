import { type Command, InvalidArgumentError, Option } from "commander";
import type { Selection } from "../archive/archive.ts";
import type { ReaderOptions } from "../archive/client.ts";
import { type Tier, tiers } from "../archive/retrieval.ts";
import type { Commands, CommonOptions } from "./command.ts";

// The S3 client is most of the program, so that each command loads it only when it runs.
export function addArchive(commands: Commands): void {
  addCopy(commands);
  addList(commands);
  addRestore(commands);
  addVerify(commands);
}

function addCopy({ add, act, recorded }: Commands): void {
  add("archive", "copy validated runs to S3, by default the newest; takes up what was interrupted")
    .argument("[run]", "name of the run, as `status` lists it")
    .option("--all", "every validated run that has no copy yet")
    .option("--dry-run", "say which objects would be sent; change nothing")
    .addHelpText("after", "\nExample:\n  dbkeeper archive --all")
    .action((run: string | undefined, options: CommonOptions & Selection & { dryRun?: true }) =>
      act(async (context) => {
        const { archive, previewArchive } = await import("../archive/archive.ts");
        const selection = { run, all: options.all };
        if (options.dryRun === true) await previewArchive(context, selection);
        else await recorded(context, "archive", () => archive(context, selection), "archive");
      })(options),
    );
}

function addList({ add, act, out }: Commands): void {
  reading(
    add("archive list", "list the runs in the archive: size, class, lock, and whether they can be read now"),
  )
    .addHelpText("after", "\nExample:\n  dbkeeper archive list --reader /run/reader.json")
    .action(
      act(async (context, options: CommonOptions & ReaderOptions) => {
        const { formatArchiveList, readArchiveList } = await import("../archive/list.ts");
        const { readingFrom } = await import("../archive/client.ts");
        const list = await readArchiveList(readingFrom(context, options));
        out.write(options.json === true ? `${JSON.stringify(list)}\n` : formatArchiveList(list));
      }),
    );
}

function addRestore({ add, act, recorded }: Commands): void {
  interface RestoreOptions extends CommonOptions, ReaderOptions {
    tier: Tier;
    days: number;
    wait?: true;
    poll: number;
  }
  reading(
    add("archive restore", "fetch a run back into the folder of the runs, from Glacier when it must be"),
  )
    .argument("<run>", "name of the run, as `archive list` has it")
    .addOption(
      new Option("--tier <tier>", "how fast Glacier is to be").choices(tiers).default("Standard" as const),
    )
    .option("--days <days>", "how long restored copies can be read", positive, 3)
    .option("--wait", "wait until everything can be read, instead of saying when")
    .option("--poll <seconds>", "seconds between two looks while waiting", positive, 300)
    .addHelpText("after", "\nExample:\n  dbkeeper archive restore 20260601T020000Z --tier Bulk --wait")
    .action((run: string, options: RestoreOptions) =>
      act(async (context) => {
        const { retrieve } = await import("../archive/retrieve.ts");
        const { readingFrom } = await import("../archive/client.ts");
        const { tier, days, wait = false, poll } = options;
        const wish = { tier, days, wait, pollSeconds: poll };
        const there = readingFrom(context, options);
        await recorded(there, "archive restore", () => retrieve(there, run, wish), "retrieve");
      })(options),
    );
}

function addVerify({ add, act, recorded }: Commands): void {
  reading(
    add(
      "archive verify",
      "hold what is in the archive against its manifests, and read the objects whose turn it is",
    ),
  )
    .option("--all", "read every object that can be read without a restore")
    .addHelpText("after", "\nExample:\n  dbkeeper archive verify")
    .action((options: CommonOptions & ReaderOptions & { all?: true }) =>
      act(async (context) => {
        const { verifyArchive } = await import("../archive/verify.ts");
        const { readingFrom } = await import("../archive/client.ts");
        const there = readingFrom(context, options);
        const wish = { all: options.all === true };
        await recorded(there, "archive verify", () => verifyArchive(there, wish), "verify");
      })(options),
    );
}

/** Options of what reads: the host that writes has no right to. */
function reading(command: Command): Command {
  return command
    .option("--reader <file>", "credentials of the reader, in place of the configuration's")
    .option("--from <place>", "s3://<bucket>/<prefix>, in place of the configuration's")
    .option("--region <region>", "region of that bucket");
}

function positive(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError("must be a whole number, at least 1");
}

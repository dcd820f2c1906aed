import type { Selection } from "../archive/archive.ts";
import type { Commands, CommonOptions } from "./command.ts";

export function addArchive({ add, act, recorded }: Commands): void {
  add("archive", "copy validated runs to S3, by default the newest; takes up what was interrupted")
    .argument("[run]", "name of the run, as `status` lists it")
    .option("--all", "every validated run that has no copy yet")
    .option("--dry-run", "say which objects would be sent; change nothing")
    .addHelpText("after", "\nExample:\n  dbkeeper archive --all")
    .action((run: string | undefined, options: CommonOptions & Selection & { dryRun?: true }) =>
      act(async (context) => {
        // The S3 client is most of the program and needed only here.
        const { archive, previewArchive } = await import("../archive/archive.ts");
        const selection = { run, all: options.all };
        if (options.dryRun === true) await previewArchive(context, selection);
        else await recorded(context, "archive", () => archive(context, selection));
      })(options),
    );
}

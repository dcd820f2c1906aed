import { Option } from "commander";
import { type Level, levels } from "../runs/manifest.ts";
import { findRun, requireDirectory } from "../runs/runs.ts";
import { previewValidate } from "../validate/preview.ts";
import { validate } from "../validate/validate.ts";
import type { Commands, CommonOptions } from "./command.ts";

interface ValidateOptions extends CommonOptions {
  level: Level;
  dryRun?: true;
}

export function addValidate({ add, act, recorded }: Commands): void {
  add("validate", "prove a run, by default the newest, and record the result in its manifest")
    .argument("[run]", "name of the run, as `status` lists it")
    .addOption(
      new Option("--level <level>", "how far; only `restore` makes a run count")
        .choices(levels)
        .default("restore"),
    )
    .option("--dry-run", "tell what would be looked at and how, and change nothing")
    .addHelpText(
      "after",
      "\nExamples:\n  dbkeeper validate\n  dbkeeper validate 20260601T020000Z --level decode",
    )
    .action((id: string | undefined, options: ValidateOptions) =>
      act(async (context) => {
        const { directory, cluster } = context.config;
        if (options.dryRun === true) {
          await requireDirectory(directory);
          previewValidate(context, await findRun(directory, cluster.name, id), options.level);
          return;
        }
        await recorded(context, "validate", async () => {
          await validate(context, await findRun(directory, cluster.name, id), options.level);
        });
      })(options),
    );
}

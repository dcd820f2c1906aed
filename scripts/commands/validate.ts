import { Option } from "commander";
import { type Level, levels } from "../runs/manifest.ts";
import { findRun } from "../runs/runs.ts";
import { validate } from "../validate/validate.ts";
import type { Commands, CommonOptions } from "./command.ts";

export function addValidate({ add, act, recorded }: Commands): void {
  add("validate", "prove a run, by default the newest, and record the result in its manifest")
    .argument("[run]", "name of the run, as `status` lists it")
    .addOption(
      new Option("--level <level>", "how far; only `restore` makes a run count")
        .choices(levels)
        .default("restore"),
    )
    .action((id: string | undefined, options: CommonOptions & { level: Level }) =>
      act((context) =>
        recorded(context, "validate", async () => {
          const { directory, cluster } = context.config;
          await validate(context, await findRun(directory, cluster.name, id), options.level);
        }),
      )(options),
    );
}

import { previewPrune, prune } from "../runs/prune-runs.ts";
import { requireDirectory } from "../runs/runs.ts";
import type { Commands, CommonOptions } from "./command.ts";

export function addPrune({ add, act, recorded }: Commands): void {
  add("prune", "remove the runs that no rule of `retention` keeps")
    .option("--dry-run", "say of each run whether it stays and which rule decides; change nothing")
    .addHelpText("after", "\nExample:\n  dbkeeper prune --dry-run")
    .action((options: CommonOptions & { dryRun?: true }) =>
      act(async (context) => {
        if (options.dryRun === true) {
          await requireDirectory(context.config.directory);
          await previewPrune(context);
        } else {
          await recorded(context, "prune", () => prune(context));
        }
      })(options),
    );
}

import { join } from "node:path";
import { recordedApart } from "../metrics/apart.ts";
import type { Family } from "../metrics/family.ts";
import { observeDirectory, observeMetricsFile } from "../observe/config.ts";
import { observe, worstOf } from "../observe/observe.ts";
import { requireDirectory } from "../runs/runs.ts";
import type { Commands } from "./command.ts";

const help = `
Changes nothing and waits for nobody. Ends with 5 where the server does not answer, with 3 where a right or
a setting is missing, with 8 where something else could not be seen; what can be seen is in the metrics all the same.
`;

export function addObserve({ add, act }: Commands): void {
  add("observe", "look at the server and its log, for the metrics that alerts need")
    .addHelpText("after", help)
    .action(
      act(async (context) => {
        const { config } = context;
        const directory = observeDirectory(config);
        await requireDirectory(directory);
        let seen: readonly Family[] | undefined;
        const apart = {
          lockFile: join(directory, `.dbkeeper-${config.cluster.name}.observe.lock`),
          metricsFile: observeMetricsFile(config),
          families: async (previous: readonly Family[]) =>
            seen ?? previous.filter(({ name }) => /^dbkeeper_(observed|log)_/.test(name)),
        };
        await recordedApart(context, "observe", apart, async () => {
          const { families, failures } = await observe(context);
          seen = families;
          const failure = worstOf(failures);
          if (failure !== undefined) throw failure;
        });
      }),
    );
}

import type { Command } from "commander";
import { thisLab } from "./this-lab.ts";

/** `lab pulumi -- …`: the engine with the environment of the one-machine lab. */
export function register(program: Command): void {
  program
    .command("pulumi")
    .description("run the Pulumi engine with the environment of this machine's lab")
    .argument("<arguments...>", "what pulumi is given, after --")
    .addHelpText(
      "after",
      "\nExamples:\n  $ ./lab pulumi -- preview --diff\n  $ ./lab pulumi -- refresh --yes\n  $ ./lab pulumi -- stack output --json\n",
    )
    .action(async (args: string[]) => {
      const { engineOptions } = await import("../rehearsal/lab/instance.ts");
      const { withEngine } = await import("../rehearsal/lab/engine.ts");
      const { lockedError, stackLocks } = await import("../rehearsal/lab/stack-lock.ts");
      const options = engineOptions(await thisLab());
      process.exitCode = await withEngine(options, (engine) => engine.attach(args));
      if (process.exitCode === 0) return;
      const locks = await stackLocks(options.backend, options.stack);
      if (locks.length === 0) return;
      const { message, hint } = lockedError(locks);
      process.stderr.write(`note: ${message}\nhint: ${hint}\n`);
    });
}

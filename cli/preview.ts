import type { Command } from "commander";
import { requireStack } from "./stack-name.ts";

/** `lab preview [stack]`: every resource of a stack, without credentials. */
export function register(program: Command): void {
  program
    .command("preview")
    .description("show every resource that a stack would make, without credentials or a lab")
    .argument("[stack]", "a file of stacks/", "lab")
    .option("--json", "the engine's own JSON")
    .addHelpText("after", "\nExamples:\n  $ ./lab preview\n  $ ./lab preview dr --json\n")
    .action(async (stack: string, { json = false }: { json?: boolean }) => {
      await requireStack(stack);
      const { previewStack } = await import("../rehearsal/lab/preview.ts");
      process.exitCode = await previewStack(stack, ["preview", ...(json ? ["--json"] : ["--diff=false"])]);
    });
}

import type { Command } from "commander";

/** Adds `lab doctor`. */
export function register(program: Command): void {
  program
    .command("doctor")
    .description("say what this machine lacks for the lab, and the one command that mends it")
    .option("--json", "write the findings as JSON", false)
    .addHelpText(
      "after",
      "\nExamples:\n  $ ./lab doctor\n  $ ./lab doctor --json | jq '.checks[] | select(.state != \"ok\")'\n",
    )
    .action(async (options: { json: boolean }) => {
      const { examine } = await import("./examine.ts");
      process.exitCode = await examine(options);
    });
}

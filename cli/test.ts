import { type Command, Option } from "commander";
import type { Part } from "./run-tests.ts";

/** `lab test`: everything that proves the project. */
export function register(program: Command): void {
  program
    .command("test")
    .description("run every test; the last line counts them")
    .addOption(
      new Option("--only <part>", "one part").choices(["static", "unit", "integration", "rehearsal"]),
    )
    .addHelpText(
      "after",
      "\nParts: static (types, style, unused code), unit (no servers),\nintegration (real servers, guests and the engine; some need root), rehearsal (a whole lab, as root)\n" +
        "\nExamples:\n  $ ./lab test\n  $ ./lab test --only unit\n",
    )
    .action(async ({ only }: { only?: Part }) => {
      const { runTests } = await import("./run-tests.ts");
      process.exitCode = await runTests(only);
    });
}

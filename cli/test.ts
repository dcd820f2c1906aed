import { type Command, Option } from "commander";

/** `lab test`: everything that proves the project. */
export function register(program: Command): void {
  program
    .command("test")
    .description("run every test; the last line counts them")
    .addOption(new Option("--only <part>", "one part").choices(["static", "unit", "rehearsal"]))
    .addHelpText(
      "after",
      "\nParts: static (types, style, unused code), unit (everything that needs no lab), rehearsal (a whole lab, as root)\n" +
        "\nExamples:\n  $ ./lab test\n  $ ./lab test --only unit\n",
    )
    .action(async ({ only }: { only?: "static" | "unit" | "rehearsal" }) => {
      const { runTests } = await import("./run-tests.ts");
      process.exitCode = await runTests(only);
    });
}

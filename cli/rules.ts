import type { Command } from "commander";

interface StackOption {
  readonly stack: string;
}

/** `lab rules`: the alert rules of a stack, without credentials or a lab. */
export function register(program: Command): void {
  const rules = program
    .command("rules")
    .description("the alert rules of a stack: list, explain or export them")
    .addHelpText(
      "after",
      "\nExamples:\n  $ ./lab rules list\n  $ ./lab rules explain DatabaseBackupTooOld\n  $ ./lab rules export /tmp/rules\n",
    );
  withStack(rules.command("list"))
    .description("every alert with its severity, area, what it compares with and where it is written")
    .option("--json", "for scripts: an array of alerts")
    .addHelpText("after", "\nExamples:\n  $ ./lab rules list\n  $ ./lab rules list --stack dr --json\n")
    .action(async ({ stack, json = false }: StackOption & { json?: boolean }) => {
      const { listRules } = await import("./rules/list.ts");
      process.stdout.write(await listRules(stack, { json }));
    });
  withStack(rules.command("explain"))
    .description("one alert: expression, figures and where they come from, proofs, runbook and route")
    .argument("<name>", "the alert, as in its message")
    .addHelpText("after", "\nExample:\n  $ ./lab rules explain PostgresDown\n")
    .action(async (name: string, { stack }: StackOption) => {
      const { explainRule } = await import("./rules/explain.ts");
      process.stdout.write(await explainRule(stack, name));
    });
  withStack(rules.command("export"))
    .description("write rule files for Prometheus, and PrometheusRule objects for Kubernetes")
    .argument("<directory>", "made if it is not there; files of the same names are replaced")
    .addHelpText(
      "after",
      "\nWrites DIRECTORY/prometheus/*.yml and DIRECTORY/kubernetes/*.yaml, from the same rules.\n\nExamples:\n  $ ./lab rules export /tmp/rules && promtool check rules /tmp/rules/prometheus/*.yml\n  $ ./lab rules export rules && kubectl apply -f rules/kubernetes\n",
    )
    .action(async (directory: string, { stack }: StackOption) => {
      const { exportRules } = await import("./rules/export.ts");
      process.stdout.write(await exportRules(stack, directory));
    });
}

function withStack(command: Command): Command {
  return command.option("--stack <name>", "a file of stacks/", "lab");
}

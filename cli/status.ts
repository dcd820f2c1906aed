import type { Command } from "commander";
import type { Instance } from "../rehearsal/lab/instance.ts";
import { formatTable } from "./terminal.ts";
import { thisLab } from "./this-lab.ts";

/** `lab status`: what runs, and how well it is protected. */
export function register(program: Command): void {
  program
    .command("status")
    .description("what runs and how well it is protected")
    .option("--json", "for scripts: {stack, services, resources, protections}")
    .addHelpText("after", "\nExamples:\n  $ ./lab status\n  $ ./lab status --json\n")
    .action(async ({ json = false }: { json?: boolean }) => {
      await printStatus(await thisLab(), { json });
    });
}

/** Prints the status of a lab as two tables, or as JSON. */
export async function printStatus(instance: Instance, { json }: { readonly json: boolean }): Promise<void> {
  const { labStatus } = await import("../rehearsal/lab/status.ts");
  const status = await labStatus(instance);
  if (json) {
    process.stdout.write(`${JSON.stringify(status, undefined, 2)}\n`);
    return;
  }
  const stateStyle = ({ state }: { state: string }) =>
    state === "running" ? "green" : state === "recorded" ? "yellow" : "red";
  const shown = [...status.services, ...status.protections];
  const notProven = shown.some(({ notProven }) => notProven !== null)
    ? [{ title: "NOT PROVEN HERE", value: (row: { notProven: string | null }) => row.notProven ?? undefined }]
    : [];
  process.stdout.write(
    `\nstack ${status.stack}, ${status.resources} resources\n\n` +
      formatTable(status.services, [
        { title: "SERVICE", value: ({ name }) => name },
        { title: "STATE", value: ({ state }) => state, style: stateStyle },
        { title: "PID", value: ({ pid }) => pid ?? undefined, align: "right" },
        { title: "URL", value: ({ url }) => url ?? undefined },
        ...notProven,
      ]) +
      "\n" +
      formatTable(status.protections, [
        { title: "PROTECTION", value: ({ kind }) => kind },
        { title: "OF", value: ({ name }) => name },
        { title: "LAST GOOD", value: ({ lastGood }) => lastGood ?? "never" },
        {
          title: "PROVEN BY RESTORE",
          value: ({ validated }) => validated ?? "never",
          style: ({ validated }) => (validated === null ? "yellow" : "green"),
        },
        { title: "OFF-SITE", value: ({ offsite }) => offsite ?? "never" },
        { title: "LOSS NOW (s)", value: ({ rpoSeconds }) => rpoSeconds ?? undefined, align: "right" },
        ...notProven,
      ]),
  );
}

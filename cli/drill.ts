import type { Command } from "commander";
import type { DrillResult } from "../rehearsal/drills/drill.ts";
import { exitCodes, formatTable, UserError } from "./terminal.ts";
import { thisLabWithGuests } from "./this-lab.ts";

/** `lab drill alerts`: breaks the lab on this machine on purpose, and holds each alert to its promise. */
export function register(program: Command): void {
  const drill = program
    .command("drill")
    .description("break the lab on this machine on purpose, and see that it is told")
    .addHelpText("after", "\nExamples:\n  $ ./lab drill alerts\n  $ ./lab drill alerts --list\n");
  drill
    .command("alerts")
    .description("see alerts fire, reach the right people in readable words, and end")
    .argument("[names...]", "drills by name; default all")
    .option("--list", "only list the drills")
    .option("--json", "for scripts: an array of results")
    .addHelpText(
      "after",
      `
Each drill breaks one thing in a guest, waits until Prometheus fires the alert and every channel of the site that takes it has
a message with the words that matter, mends what it broke, and waits for the end of both. Drills that disturb nothing in
common run side by side. Whatever happens, what was broken is mended. Exit code 1 where a drill did not hold.

Examples:
  $ ./lab drill alerts
  $ ./lab drill alerts stop-postgres break-archiving
  $ ./lab drill alerts --json > drills.json
`,
    )
    .action(async (names: string[], { list = false, json = false }: { list?: boolean; json?: boolean }) => {
      const { alertDrills } = await import("../rehearsal/drills/drills.ts");
      if (list) {
        process.stdout.write(
          formatTable(alertDrills, [
            { title: "DRILL", value: ({ name }) => name },
            { title: "BREAKS", value: ({ breaks }) => breaks },
            { title: "ALERT", value: ({ alert, severity }) => `${alert} ${severity}` },
          ]),
        );
        return;
      }
      const unknown = names.find((name) => !alertDrills.some((each) => each.name === name));
      if (unknown !== undefined) {
        throw new UserError(`there is no drill ${unknown}`, {
          hint: `the drills are ${alertDrills.map(({ name }) => name).join(", ")}`,
          exitCode: exitCodes.usage,
        });
      }
      const chosen = alertDrills.filter(({ name }) => names.length === 0 || names.includes(name));
      const { drillAlerts } = await import("../rehearsal/drills/alerts.ts");
      const instance = await thisLabWithGuests("nothing can break");
      const { prometheusOf } = await import("../rehearsal/lab/status.ts");
      const prometheus = await prometheusOf(instance);
      if (!prometheus) throw new UserError("the lab is not complete", { hint: "`./lab up` completes it" });
      const results = await drillAlerts(instance, prometheus, chosen, (result) => {
        if (!json) process.stderr.write(`${result.failure === null ? "held" : "FAILED"}: ${result.drill}\n`);
      });
      process.stdout.write(json ? `${JSON.stringify(results, undefined, 2)}\n` : tableOf(results));
      if (results.some(({ failure }) => failure !== null)) process.exitCode = exitCodes.failure;
    });
}

function tableOf(results: readonly DrillResult[]): string {
  const failed = results.filter(({ failure }) => failure !== null);
  const table = formatTable(results, [
    { title: "DRILL", value: ({ drill }) => drill },
    { title: "ALERT", value: ({ alert, severity }) => `${alert} ${severity}` },
    { title: "FIRED (s)", value: ({ firedAfterSeconds }) => firedAfterSeconds ?? undefined, align: "right" },
    { title: "TOLD (s)", value: ({ toldAfterSeconds }) => toldAfterSeconds ?? undefined, align: "right" },
    {
      title: "ENDED (s)",
      value: ({ resolvedAfterSeconds }) => resolvedAfterSeconds ?? undefined,
      align: "right",
    },
    { title: "TOLD", value: ({ receivers }) => (receivers.length > 0 ? receivers.join(", ") : undefined) },
    {
      title: "HELD",
      value: ({ failure }) => (failure === null ? "yes" : "NO"),
      style: ({ failure }) => (failure === null ? "green" : "red"),
    },
  ]);
  const reasons = failed.map(({ drill, failure }) => `${drill}: ${failure}\n`);
  return `\n${table}\n${reasons.join("")}${results.length - failed.length} of ${results.length} drills held\n`;
}

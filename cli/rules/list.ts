import { promDuration } from "../../alert-rules/lab.ts";
import { formatTable } from "../terminal.ts";
import { alertsOf, readRules } from "./read.ts";

/** Every alert of a stack, a line each; alike ones, one for each expected thing, are counted. */
export async function listRules(stack: string, { json }: { readonly json: boolean }): Promise<string> {
  const { groups } = await readRules(stack);
  const alerts = alertsOf(groups);
  if (json) {
    const shown = alerts.map(({ kind: _, limit, place, ...alert }) => ({
      ...alert,
      ...(limit ? { threshold: { name: limit.name, value: limit.value, unit: limit.unit } } : {}),
      file: `alert-rules/${place.file.split("/").at(-1)}`,
      line: place.line,
      runbook: `runbooks/${alert.name}.md`,
    }));
    return `${JSON.stringify(shown, undefined, 2)}\n`;
  }
  const byName = Map.groupBy(alerts, ({ name, severity }) => `${name} ${severity}`);
  const rows = [...byName.values()].flatMap(([alert, ...others]) =>
    alert ? [{ alert, count: 1 + others.length }] : [],
  );
  const recordings = groups.flatMap(({ rules }) => rules.filter(({ kind }) => kind === "recording")).length;
  return (
    formatTable(rows, [
      { title: "ALERT", value: ({ alert }) => alert.name },
      {
        title: "SEVERITY",
        value: ({ alert }) => alert.severity,
        style: ({ alert }) =>
          alert.severity === "critical" ? "red" : alert.severity === "warning" ? "yellow" : undefined,
      },
      { title: "AREA", value: ({ alert }) => alert.area },
      { title: "THRESHOLD", value: ({ alert }) => alert.limit?.text },
      {
        title: "FOR",
        value: ({ alert }) => (alert.forSeconds > 0 ? promDuration(alert.forSeconds) : "-"),
        align: "right",
      },
      { title: "RULES", value: ({ count }) => count, align: "right" },
      { title: "SUMMARY", value: ({ alert }) => alert.summary },
    ]) +
    `\nstack ${stack}: ${rows.length} alerts in ${alerts.length} rules, ${recordings} recording rules, ${groups.length} groups\n`
  );
}

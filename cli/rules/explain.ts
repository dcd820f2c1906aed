import { promDuration } from "../../alert-rules/lab.ts";
import type { Limit } from "../../alert-rules/limit.ts";
import { metricNamed } from "../../alert-rules/metrics/catalogue.ts";
import { selectorsOf } from "../../alert-rules/promql/expression.ts";
import { parseExpression } from "../../alert-rules/promql/parse.ts";
import type { Alert, RuleGroup } from "../../alert-rules/rule.ts";
import type { Proof } from "../../alert-rules/testing/proof.ts";
import { proofsByGroup } from "../../alert-rules/testing/proofs.ts";
import type { Site } from "../../infra/site.ts";
import { exitCodes, paint, UserError } from "../terminal.ts";
import { alertsOf, readRules } from "./read.ts";

/** Of rules that differ in what they expect only, so many are shown. */
const shownRules = 2;

/**
 * Everything that there is to know of an alert.
 *
 * @throws {UserError} where the stack has no such alert, with those that are named alike
 */
export async function explainRule(stack: string, name: string): Promise<string> {
  const { groups, site } = await readRules(stack);
  const alerts = alertsOf(groups);
  const own = alerts.filter((alert) => alert.name.toLowerCase() === name.toLowerCase());
  if (own.length === 0) throw unknownAlert(stack, name, [...new Set(alerts.map((alert) => alert.name))]);
  const bySeverity = Map.groupBy(own, ({ severity }) => severity);
  return [...bySeverity.values()].map((alike) => explained(alike, groups, site)).join("\n");
}

function unknownAlert(stack: string, name: string, names: readonly string[]): UserError {
  const word = name.toLowerCase().slice(0, 5);
  const alike = names.filter((candidate) => candidate.toLowerCase().includes(word)).slice(0, 5);
  return new UserError(`the stack ${stack} has no alert ${name}`, {
    hint: alike.length > 0 ? `did you mean ${alike.join(", ")}?` : "`./lab rules list` shows them all",
    exitCode: exitCodes.usage,
  });
}

function explained(
  alike: readonly (Alert & { readonly group: string })[],
  groups: readonly RuleGroup[],
  site: Site,
): string {
  const [alert] = alike;
  if (!alert) return "";
  const { name, severity, area, group, place, limit, forSeconds, keepFiringForSeconds = 0 } = alert;
  const proofs = (proofsByGroup[group] ?? []).filter(
    (proof) => proof.alert === name && proof.severity === severity,
  );
  const more = alike.length - shownRules;
  const lines: (readonly [string, readonly string[]])[] = [
    ["what", [alert.summary, alert.description]],
    [
      "when",
      [
        ...alike.slice(0, shownRules).map(({ expression }) => expression),
        ...(more > 0 ? [`and ${more} more, one for each that is expected`] : []),
      ],
    ],
    [
      "for",
      [
        (forSeconds > 0 ? promDuration(forSeconds) : "at once: its window is the wait") +
          (keepFiringForSeconds > 0
            ? `, and ${promDuration(keepFiringForSeconds)} after it holds no more`
            : ""),
      ],
    ],
    ["figure", limit ? figureLines(limit) : ["none: it is a matter of yes or no"]],
    ["reads", metricLines(alert, groups)],
    ["proofs", proofs.flatMap(proofLines)],
    ["tells", [tells(site, alert)]],
    ["runbook", [`runbooks/${name}.md`]],
    ["source", [`${place.file}:${place.line}, group ${group}`]],
  ];
  const title = paint("bold", `${name}: ${severity}, ${area}`);
  return `${title}\n${lines.flatMap(([label, texts]) => texts.map((text, index) => `  ${(index === 0 ? label : "").padEnd(8)} ${text}\n`)).join("")}`;
}

function figureLines({ name, text, meaning, source, isOverridden }: Limit): string[] {
  const origin = isOverridden ? "set by the site" : `from ${source}`;
  return [`${text}: ${meaning}`, `${origin}; a site sets its own with monitoring.thresholds.${name}`];
}

function metricLines({ expression }: Alert, groups: readonly RuleGroup[]): string[] {
  const names = [...new Set(selectorsOf(parseExpression(expression)).map(({ metric }) => metric))];
  return names.map((name) => {
    const recording = groups
      .flatMap(({ rules }) => rules)
      .find((rule) => rule.name === name && rule.kind === "recording");
    if (recording) return `${name}, recorded as ${recording.expression}`;
    const metric = metricNamed(name);
    const sources = metric?.sources.map(({ source, version, how }) => `${source} ${version}, ${how}`) ?? [];
    return `${name}: ${metric?.type ?? "unknown"} of ${sources.join("; ")}`;
  });
}

function proofLines({ good, bad, elsewhere }: Proof): string[] {
  const changed = Object.keys(bad).slice(0, 2);
  return [
    ...changed.map(
      (series) =>
        `${series}: silent at ${JSON.stringify(good[series])}, fires at ${JSON.stringify(bad[series])}`,
    ),
    ...(elsewhere ? [`silent at ${JSON.stringify(elsewhere)}`] : []),
  ];
}

/** Who hears of it, and when. */
function tells({ monitoring }: Site, { severity, area, name }: Alert): string {
  if (severity === "none") {
    const { heartbeat } = monitoring;
    return heartbeat
      ? "the heartbeat outside of the lab, which complains once it hears nothing"
      : `nobody: the site has no heartbeat for ${name}`;
  }
  if (severity === "info") return "nobody: it is context, to be looked at";
  const channels = monitoring.channels.filter(
    ({ severities, areas }) => severities.includes(severity) && (areas === undefined || areas.includes(area)),
  );
  return channels
    .map(({ name: channel, type, escalationMinutes }) =>
      escalationMinutes > 0
        ? `after ${escalationMinutes} min unacknowledged ${channel} (${type})`
        : `${channel} (${type})`,
    )
    .join(", ");
}

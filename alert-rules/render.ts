import { stringify } from "yaml";
import type { Inventory } from "./inventory.ts";
import { promDuration } from "./lab.ts";
import type { Alert, Recording, RuleGroup } from "./rule.ts";

/** Where an alert's links lead. */
export type Links = Pick<Inventory, "runbookUrl" | "grafanaUrl">;

/** A rule file for Prometheus. */
export function renderRuleFile(group: RuleGroup, links: Links): string {
  return yaml({ groups: [renderGroup(group, links)] });
}

/** The same rules for the Prometheus Operator. */
export function renderPrometheusRule(group: RuleGroup, links: Links): string {
  return yaml({
    apiVersion: "monitoring.coreos.com/v1",
    kind: "PrometheusRule",
    metadata: { name: `lab-${group.name}`, labels: { "app.kubernetes.io/part-of": "astronomy-lab" } },
    spec: { groups: [renderGroup(group, links)] },
  });
}

function yaml(document: object): string {
  return stringify(document, { lineWidth: 0, aliasDuplicateObjects: false });
}

function renderGroup({ name, intervalSeconds, rules }: RuleGroup, links: Links): object {
  return {
    name,
    ...(intervalSeconds === undefined ? {} : { interval: promDuration(intervalSeconds) }),
    rules: rules.map((rule) => (rule.kind === "alert" ? renderAlert(rule, links) : renderRecording(rule))),
  };
}

function renderRecording({ name, expression, labels }: Recording): object {
  return { record: name, expr: expression, ...(labels ? { labels } : {}) };
}

function renderAlert(alert: Alert, links: Links): object {
  return {
    alert: alert.name,
    expr: alert.expression,
    ...(alert.forSeconds > 0 ? { for: promDuration(alert.forSeconds) } : {}),
    ...(alert.keepFiringForSeconds ? { keep_firing_for: promDuration(alert.keepFiringForSeconds) } : {}),
    labels: { severity: alert.severity, area: alert.area, ...alert.labels },
    annotations: annotationsOf(alert, links),
  };
}

/** What people read of an alert, with its templates. */
export function annotationsOf(alert: Alert, links: Links): Readonly<Record<string, string>> {
  const { name, summary, description, value, limit } = alert;
  return {
    summary,
    description,
    ...(value === undefined ? {} : { value }),
    ...(limit === undefined ? {} : { threshold: limit.text }),
    runbook_url: `${links.runbookUrl}/${name}.md`,
    ...(links.grafanaUrl === undefined
      ? {}
      : { dashboard_url: `${links.grafanaUrl}/d/${alert.dashboard ?? "lab-overview"}` }),
  };
}

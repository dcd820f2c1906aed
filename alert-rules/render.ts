import { stringify } from "yaml";
import { availability } from "./availability.ts";
import { backup } from "./backup.ts";
import { backupHost } from "./backup-host.ts";
import { certificates } from "./certificates.ts";
import type { Alert, Inventory, RuleGroup } from "./rule.ts";

/** All rules of a site, one group an area. */
export function ruleGroups(inventory: Inventory): RuleGroup[] {
  return [availability(inventory), backup(inventory), certificates(inventory), ...backupHost(inventory)];
}

/** A rule file for Prometheus. */
export function renderRuleFile(group: RuleGroup): string {
  return stringify(
    { groups: [{ name: group.name, rules: group.alerts.map(renderAlert) }] },
    { lineWidth: 0 },
  );
}

function renderAlert(alert: Alert): object {
  return {
    alert: alert.name,
    expr: alert.expression,
    for: `${alert.forSeconds}s`,
    labels: { severity: alert.severity, area: alert.area, ...alert.labels },
    annotations: { summary: alert.summary, description: alert.description },
  };
}

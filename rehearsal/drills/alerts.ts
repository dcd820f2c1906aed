import { ruleGroups } from "../../alert-rules/groups.ts";
import { inventoryOf } from "../../infra/monitoring/inventory.ts";
import { parseSite } from "../../infra/site.ts";
import rehearsal from "../../stacks/rehearsal.ts";
import type { Instance } from "../lab/instance.ts";
import type { PrometheusAccess } from "../lab/prometheus.ts";
import { machineOf, rehearsalStack } from "../lab/stack.ts";
import type { Drill, DrillResult } from "./drill.ts";
import { drillLabOf } from "./lab.ts";
import { runDrills } from "./run.ts";

/**
 * Runs drills on a lab with real guests.
 * @param prometheus how its Prometheus is asked
 */
export async function drillAlerts(
  instance: Instance,
  prometheus: PrometheusAccess,
  drills: readonly Drill[],
  report: (result: DrillResult) => void,
): Promise<DrillResult[]> {
  const site = parseSite(rehearsal(await machineOf(instance.root, rehearsalStack)));
  const alerts = ruleGroups(inventoryOf(site)).flatMap(({ rules }) =>
    rules.filter((rule) => rule.kind === "alert"),
  );
  return runDrills(drills, {
    lab: drillLabOf(instance),
    prometheus,
    channels: site.monitoring.channels,
    areaOf: ({ alert: name, severity }) => {
      const rule = alerts.find((alert) => alert.name === name && alert.severity === severity);
      if (!rule) throw new Error(`the site has no alert ${name} of severity ${severity}`);
      return rule.area;
    },
    report,
  });
}

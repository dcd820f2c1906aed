import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { ruleGroups } from "../../alert-rules/groups.ts";
import { inventoryOf } from "../../infra/monitoring/inventory.ts";
import { parseSite, type Site } from "../../infra/site.ts";
import rehearsal from "../../stacks/rehearsal.ts";
import { findInstance, type Instance } from "../lab/instance.ts";
import { project, rehearsalStack } from "../lab/stack.ts";
import { prometheusOf } from "../lab/status.ts";
import type { Drill, DrillResult } from "./drill.ts";
import { drillLabOf } from "./lab.ts";
import { runDrills } from "./run.ts";

/** What a user can do something about. */
class DrillError extends Error {
  override readonly name = "DrillError";
  readonly exitCode = 1;
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

/**
 * Runs drills on the lab of this checkout.
 * @throws DrillError where there is none, or its guests are records
 */
export async function drillAlerts(
  drills: readonly Drill[],
  report: (result: DrillResult) => void,
): Promise<DrillResult[]> {
  const instance = await findInstance();
  if (!instance) throw new DrillError("there is no lab on this machine", "`./lab up` builds it");
  if (instance.guests === "records") {
    throw new DrillError(
      "the guests of this lab are records, in which nothing can break",
      "`./lab down --purge && ./lab up --guests containers` builds one with real guests, as root",
    );
  }
  const prometheus = await prometheusOf(instance);
  if (!prometheus) throw new DrillError("the lab is not complete", "`./lab up` completes it");
  const site = await siteOf(instance);
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

async function siteOf({ root }: Instance): Promise<Site> {
  const text = await readFile(join(root, "stacks", `Pulumi.${rehearsalStack}.yaml`), "utf8");
  const { config } = parse(text) as { config: Record<string, unknown> };
  return parseSite(rehearsal(config[`${project}:machine`]));
}

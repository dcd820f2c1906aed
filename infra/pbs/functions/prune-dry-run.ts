import { z } from "zod";
import { defineFunction } from "../../provider/resource.ts";
import { apiPath, type Parameters, type PbsClient } from "../client.ts";
import { toKebab } from "../resources/properties.ts";
import { keep, maxDepth, namespace, storeName } from "../resources/values.ts";
import { backupId, backupType } from "./get-snapshots.ts";
import { asList, forEach, namespacesIn, type Scope } from "./walk.ts";

/** The rules that keep backups, in the order in which they apply. */
export const keepRules = [
  "keepLast",
  "keepHourly",
  "keepDaily",
  "keepWeekly",
  "keepMonthly",
  "keepYearly",
] as const;

/** How many backups each rule keeps; a rule that is left out keeps none, and no rule at all keeps everything. */
export type Retention = { readonly [Rule in (typeof keepRules)[number]]?: number | undefined };

/** Shows what a retention would remove, by the server's own dry run: nothing is removed. */
export const pruneDryRunInputs = z.object({
  store: storeName,
  ns: namespace.optional(),
  maxDepth: maxDepth.default(0),
  /** Only backups of this type. */
  backupType: backupType.optional(),
  /** Only backups of this id. */
  backupId: backupId.optional(),
  keepLast: keep,
  keepHourly: keep,
  keepDaily: keep,
  keepWeekly: keep,
  keepMonthly: keep,
  keepYearly: keep,
});

const decision = z.object({
  /** Empty for the root. */
  ns: z.string(),
  backupType,
  backupId: z.string(),
  /** Seconds since 1970. */
  backupTime: z.number(),
  /** What would happen to it; what is protected stays whatever the rules say. */
  mark: z.enum(["keep", "remove", "protected"]),
});

/** What would become of every backup. */
export const pruneDryRunOutputs = z.object({
  /** By namespace and group, each newest first. */
  snapshots: z.array(decision),
  /** How many would be kept by a rule. */
  kept: z.number(),
  /** How many would be removed. */
  removed: z.number(),
  /** How many are protected. */
  protected: z.number(),
});

/** What would become of one backup. */
export type Decision = z.output<typeof decision>;

interface GroupItem {
  readonly "backup-type": Decision["backupType"];
  readonly "backup-id": string;
}

interface DryRunItem extends GroupItem {
  readonly "backup-time": number;
  readonly keep: boolean;
  readonly protected?: boolean;
}

/** Asks the server what a retention would do to each backup of a scope. */
export async function dryRun(
  client: PbsClient,
  scope: Scope,
  retention: Retention,
  signal: AbortSignal,
  isWanted: (group: Pick<Decision, "backupType" | "backupId">) => boolean = () => true,
): Promise<Decision[]> {
  const groups = await forEach(await namespacesIn(client, scope, signal), async (ns) => {
    const path = apiPath`/admin/datastore/${scope.store}/groups`;
    const { data } = await client.get(path, { ns: ns || undefined }, signal);
    return asList<GroupItem>(data, "groups")
      .map((item) => ({ ns, backupType: item["backup-type"], backupId: item["backup-id"] }))
      .filter(isWanted)
      .sort((a, b) => nameOf(a).localeCompare(nameOf(b), "en", { numeric: true }));
  });
  const rules: Parameters = Object.fromEntries(keepRules.map((rule) => [toKebab(rule), retention[rule]]));
  const decisions = await forEach(groups.flat(), async ({ ns, backupType, backupId }) => {
    const { data } = await client.post(
      apiPath`/admin/datastore/${scope.store}/prune`,
      {
        ns: ns || undefined,
        "backup-type": backupType,
        "backup-id": backupId,
        "dry-run": true,
        ...rules,
      },
      signal,
    );
    return asList<DryRunItem>(data, "snapshots")
      .map((item) => ({ ns, backupType, backupId, backupTime: item["backup-time"], mark: markOf(item) }))
      .sort((a, b) => b.backupTime - a.backupTime);
  });
  return decisions.flat();
}

function nameOf({ backupType, backupId }: Pick<Decision, "backupType" | "backupId">): string {
  return `${backupType}/${backupId}`;
}

function markOf(item: DryRunItem): Decision["mark"] {
  if (item.protected) return "protected";
  return item.keep ? "keep" : "remove";
}

export const pruneDryRun = defineFunction<PbsClient, typeof pruneDryRunInputs, typeof pruneDryRunOutputs>({
  token: "pbs:index:pruneDryRun",
  inputs: pruneDryRunInputs,
  outputs: pruneDryRunOutputs,
  async run(client, inputs, signal) {
    const isWanted = (group: Pick<Decision, "backupType" | "backupId">) =>
      (inputs.backupType ?? group.backupType) === group.backupType &&
      (inputs.backupId ?? group.backupId) === group.backupId;
    const snapshots = await dryRun(client, inputs, inputs, signal, isWanted);
    const count = (mark: Decision["mark"]) => snapshots.filter((one) => one.mark === mark).length;
    return {
      snapshots,
      kept: count("keep"),
      removed: count("remove"),
      protected: count("protected"),
    };
  },
});

import type { Site } from "../site.ts";
import { label, labelRule } from "./primitives.ts";
import type { Problem } from "./problems.ts";
import { duplicates, named, reference } from "./references.ts";
import { parseSchedule } from "./schedule.ts";

export function protection({
  guests = [],
  policies = {},
  retentions,
  objectives,
  pbs,
}: Partial<Site>): Problem[] {
  return [
    ...Object.entries(policies).flatMap(([name, policy]) =>
      reference(
        `policies.${name}.retention`,
        policy.retention,
        retentions && Object.keys(retentions),
        "retention",
      ),
    ),
    ...Object.entries(retentions ?? {}).flatMap(([name, retention]) => [
      ...reference(
        `retentions.${name}.datastore`,
        retention.datastore,
        pbs && Object.keys(pbs.datastores),
        "datastore",
      ),
      ...keepsSomething(name, retention),
    ]),
    ...namespacesApart(retentions ?? {}),
    ...productIds(policies, retentions ?? {}, pbs),
    ...fits({ guests, policies, ...(retentions ? { retentions } : {}), ...(pbs ? { pbs } : {}) }),
    ...duplicates(
      (pbs?.sync ?? []).map(({ id }) => id),
      "pbs.sync",
      "id",
      (id) => `sync job ${id} is named twice`,
    ),
    ...(pbs?.sync ?? []).flatMap((sync, index) => [
      ...reference(
        `pbs.sync[${index}].retention`,
        sync.retention,
        retentions && Object.keys(retentions),
        "retention",
      ),
      ...copiesApart(index, sync, policies),
    ]),
    ...guests.flatMap((guest, index) => {
      const objective = named(objectives, guest.tier);
      if (!objective) return [];
      return meetsObjective(`guests[${index}].backup`, guest, policies, objective.rpoHours);
    }),
  ];
}

function keepsSomething(
  name: string,
  { keepLast, keepDaily, keepWeekly, keepMonthly, keepYearly }: Site["retentions"][string],
): Problem[] {
  const rules = [keepLast, keepDaily, keepWeekly, keepMonthly, keepYearly];
  if (rules.some((rule) => rule !== undefined)) return [];
  return [
    {
      path: `retentions.${name}`,
      value: undefined,
      reason: "no rule keeps anything, which PBS reads as keeping everything until the disk is full",
      allowed: "at least one of keepLast, keepDaily, keepWeekly, keepMonthly, keepYearly",
    },
  ];
}

function namespacesApart(retentions: Site["retentions"]): Problem[] {
  const seen = new Map<string, string>();
  return Object.entries(retentions).flatMap(([name, { datastore, namespace }]) => {
    const place = `${datastore}/${namespace}`;
    const other = seen.get(place);
    seen.set(place, name);
    if (other === undefined) return [];
    return [
      {
        path: `retentions.${name}.namespace`,
        value: namespace,
        reason: `retention ${other} already prunes it, and the stricter of the two would win`,
        allowed: `a namespace of its own in datastore ${datastore}`,
      },
    ];
  });
}

function meetsObjective(
  path: string,
  guest: Site["guests"][number],
  policies: Site["policies"],
  rpoHours: number,
): Problem[] {
  const allowed = `at most ${rpoHours} h between two backups for tier ${guest.tier}`;
  if (guest.backup.tool === "none") return [];
  if (guest.backup.tool !== "pbs") {
    const { everyHours } = guest.backup;
    return everyHours <= rpoHours
      ? []
      : [
          {
            path: `${path}.everyHours`,
            value: everyHours,
            reason: "the recovery point objective cannot be met",
            allowed,
          },
        ];
  }
  const policy = named(policies, guest.backup.policy);
  const parsed = policy && parseSchedule("PVE", policy.schedule);
  if (!parsed?.ok || parsed.longestGapHours <= rpoHours) return [];
  return [
    {
      path: `${path}.policy`,
      value: guest.backup.policy,
      reason: `its schedule ${policy?.schedule} leaves up to ${parsed.longestGapHours} h between two backups (${parsed.examples})`,
      allowed,
    },
  ];
}

/** Ids that are made of the site's names must be ids for the products that get them. */
function productIds(
  policies: Site["policies"],
  retentions: Site["retentions"],
  pbs: Site["pbs"] | undefined,
): Problem[] {
  const jobs: readonly (readonly [section: string, prefix: string, names: readonly string[]])[] = [
    ["retentions", "prune-", Object.keys(retentions)],
    ["pbs.datastores", "verify-", Object.keys(pbs?.datastores ?? {})],
  ];
  const problem = (section: string, name: string, reason: string, allowed: string): Problem => ({
    path: `${section}.${name}`,
    value: name,
    reason,
    allowed,
  });
  return [
    ...jobs.flatMap(([section, prefix, names]) =>
      names
        .filter((name) => prefix.length + name.length > longestJobId)
        .map((name) =>
          problem(
            section,
            name,
            `PBS takes no job id as long as ${prefix}${name}`,
            `a name of at most ${longestJobId - prefix.length} characters`,
          ),
        ),
    ),
    ...Object.keys(retentions)
      .filter((name) => /[._-]$/.test(name))
      .map((name) =>
        problem(
          "retentions",
          name,
          `PVE takes no storage called pbs-${name}`,
          "a name that ends in a letter or a digit",
        ),
      ),
    ...Object.keys(policies)
      .filter((name) => !label.safeParse(name).success)
      .map((name) =>
        problem("policies", name, "it is the id of a job on PVE, which no guest could name", labelRule),
      ),
  ];
}

/** PBS: ids of jobs have 3 to 32 characters. */
const longestJobId = 32;

/** One copy of each disk must fit beside what is there: without room for it no backup is complete. */
function fits({ guests = [], policies = {}, retentions = {}, pbs }: Partial<Site>): Problem[] {
  return Object.entries(pbs?.datastores ?? {}).flatMap(([store, { capacityGib }]) => {
    const kept = guests.filter(({ managed, backup }) => {
      if (!managed || backup.tool !== "pbs") return false;
      const policy = named(policies, backup.policy);
      return policy !== undefined && named(retentions, policy.retention)?.datastore === store;
    });
    const neededGib = kept.reduce((sum, guest) => sum + guest.diskGib + (guest.backupDisk?.sizeGib ?? 0), 0);
    if (neededGib <= capacityGib) return [];
    return [
      {
        path: `pbs.datastores.${store}.capacityGib`,
        value: capacityGib,
        reason: `the disks of the ${kept.length} guests that are kept in it hold ${neededGib} GiB, so that not even one copy of each is sure to fit`,
        allowed: `at least ${neededGib}`,
      },
    ];
  });
}

/** PBS takes over only what is newer than the newest backup of the same guest in the same namespace. */
function copiesApart(
  index: number,
  { direction, retention }: Site["pbs"]["sync"][number],
  policies: Site["policies"],
): Problem[] {
  if (direction === "push") return [];
  const writer = Object.entries(policies).find(([, policy]) => policy.retention === retention)?.[0];
  if (writer === undefined) return [];
  return [
    {
      path: `pbs.sync[${index}].retention`,
      value: retention,
      reason: `policy ${writer} backs up into the same namespace, so that copies older than its backups would be left out`,
      allowed: "a retention of its own for what is pulled",
    },
  ];
}

import type { Site } from "../site.ts";
import type { Problem } from "./problems.ts";
import { minimumDays } from "./protection.ts";
import { reference } from "./references.ts";
import { parseSchedule, type Scheduler } from "./schedule.ts";

export function schedules({ policies = {}, retentions = {}, pbs }: Partial<Site>): Problem[] {
  return [
    ...Object.entries(policies).flatMap(([name, policy]) =>
      schedule(`policies.${name}.schedule`, "PVE", policy.schedule),
    ),
    ...Object.entries(retentions).flatMap(([name, retention]) =>
      schedule(`retentions.${name}.pruneSchedule`, "PBS", retention.pruneSchedule),
    ),
    ...Object.entries(pbs?.datastores ?? {}).flatMap(([name, datastore]) => [
      ...schedule(`pbs.datastores.${name}.gcSchedule`, "PBS", datastore.gcSchedule),
      ...schedule(`pbs.datastores.${name}.verify.schedule`, "PBS", datastore.verify.schedule),
    ]),
    ...(pbs?.sync ?? []).flatMap((sync, index) =>
      schedule(`pbs.sync[${index}].schedule`, "PBS", sync.schedule),
    ),
  ];
}

function schedule(path: string, scheduler: Scheduler, value: string): Problem[] {
  const parsed = parseSchedule(scheduler, value);
  return parsed.ok
    ? []
    : [
        {
          path,
          value,
          reason: parsed.reason,
          allowed: "a calendar event such as 02:00, sun 03:00 or *:00/15",
        },
      ];
}

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
    ...(pbs?.sync ?? []).flatMap((sync, index) =>
      reference(
        `pbs.sync[${index}].datastore`,
        sync.datastore,
        Object.keys(pbs?.datastores ?? {}),
        "datastore",
      ),
    ),
    ...guests.flatMap((guest, index) => {
      const objective = objectives?.[guest.tier];
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
  const policy = policies[guest.backup.policy];
  const parsed = policy && parseSchedule("PVE", policy.schedule);
  if (!parsed?.ok || parsed.longestGapHours <= rpoHours) return [];
  return [
    {
      path: `${path}.policy`,
      value: guest.backup.policy,
      reason: `its schedule ${policy?.schedule} leaves up to ${parsed.longestGapHours} h between two backups`,
      allowed,
    },
  ];
}

export function archiveRules({ archive }: Partial<Site>): Problem[] {
  return Object.entries(archive?.buckets ?? {}).flatMap(([key, bucket]) => {
    const at = `archive.buckets.${key}`;
    const problems: Problem[] = [];
    const billed = minimumDays[bucket.storageClass];
    if (bucket.retentionDays < bucket.transitionAfterDays + billed) {
      problems.push({
        path: `${at}.retentionDays`,
        value: bucket.retentionDays,
        reason: `${bucket.storageClass} is billed for at least ${billed} days after the transition at day ${bucket.transitionAfterDays}`,
        allowed: `at least ${bucket.transitionAfterDays + billed}`,
      });
    }
    if (bucket.lockDays > bucket.retentionDays) {
      problems.push({
        path: `${at}.lockDays`,
        value: bucket.lockDays,
        reason: "the lock outlasts the retention, so that expiry would be refused",
        allowed: `at most ${bucket.retentionDays}`,
      });
    }
    if (bucket.storageClass === "STANDARD_IA" && bucket.transitionAfterDays < 30) {
      problems.push({
        path: `${at}.transitionAfterDays`,
        value: bucket.transitionAfterDays,
        reason: "S3 refuses a transition to STANDARD_IA before day 30",
        allowed: "at least 30",
      });
    }
    return problems;
  });
}

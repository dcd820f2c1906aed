import type { Site } from "../site.ts";
import type { Problem } from "./problems.ts";
import { parseSchedule, type Scheduler } from "./schedule.ts";

interface Use {
  readonly path: string;
  readonly scheduler: Scheduler;
  readonly schedule: string;
  /** How long a run may take, where it is known. */
  readonly runMinutes?: number;
}

/** Every schedule as the product that runs it reads it, and none so close that runs overlap. */
export function schedules(site: Partial<Site>): Problem[] {
  return usesOf(site).flatMap(({ path, scheduler, schedule, runMinutes = 0 }) => {
    const parsed = parseSchedule(scheduler, schedule);
    if (!parsed.ok) return [{ path, value: schedule, reason: parsed.reason, allowed: allowed[scheduler] }];
    const gapMinutes = parsed.shortestGapHours * 60;
    if (gapMinutes >= runMinutes) return [];
    return [
      {
        path,
        value: schedule,
        reason: `it starts again after ${+gapMinutes.toFixed(2)} min (${parsed.examples}), before a run of up to ${runMinutes} min has ended`,
        allowed: "runs that are further apart, or a smaller durationLimitMinutes",
      },
    ];
  });
}

const allowed: Readonly<Record<Scheduler, string>> = {
  PVE: "a calendar event such as 02:00, sun 03:00 or *:00/15",
  PBS: "a calendar event such as 02:00, sun 03:00 or *:00/15",
  systemd: "a calendar event such as *-*-* 03:00:00 UTC, sun 03:00 or daily",
};

function usesOf({ policies = {}, retentions = {}, pbs, databases }: Partial<Site>): Use[] {
  const onPbs = (path: string, schedule: string): Use => ({ path, scheduler: "PBS", schedule });
  return [
    ...Object.entries(policies).map(
      ([name, { schedule, durationLimitMinutes }]): Use => ({
        path: `policies.${name}.schedule`,
        scheduler: "PVE",
        schedule,
        runMinutes: durationLimitMinutes,
      }),
    ),
    ...Object.entries(retentions).map(([name, { pruneSchedule }]) =>
      onPbs(`retentions.${name}.pruneSchedule`, pruneSchedule),
    ),
    ...Object.entries(pbs?.datastores ?? {}).flatMap(([name, { gcSchedule, verify }]) => [
      onPbs(`pbs.datastores.${name}.gcSchedule`, gcSchedule),
      onPbs(`pbs.datastores.${name}.verify.schedule`, verify.schedule),
    ]),
    ...(pbs?.sync ?? []).map(({ schedule }, index) => onPbs(`pbs.sync[${index}].schedule`, schedule)),
    ...(databases?.postgres ?? []).map(
      ({ dump }, index): Use => ({
        path: `databases.postgres[${index}].dump.schedule`,
        scheduler: "systemd",
        schedule: dump.schedule,
        runMinutes: dump.durationLimitMinutes,
      }),
    ),
  ];
}

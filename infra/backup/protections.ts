import { parseSchedule } from "../site/schedule.ts";
import type { Guest, Site } from "../site.ts";

/** What protects a guest, from the guest to the archive, and the worst that can be lost. */
export interface Protection {
  readonly guest: string;
  readonly vmId: number;
  /** `pbs`, or the product that does it instead. */
  readonly tool: string;
  readonly job: string | null;
  readonly schedule: string | null;
  readonly storage: string | null;
  readonly datastore: string | null;
  readonly namespace: string | null;
  readonly retention: string | null;
  readonly archiveBucket: string | null;
  /**
   * The longest time between the moments of two backups, in hours; null where nothing protects the guest. A run
   * captures the moment at which it starts, so its duration delays a backup but loses nothing more.
   */
  readonly worstCaseRpoHours: number | null;
}

/** The chain of protection of every guest of a site. */
export function protections(site: Site): Protection[] {
  return site.guests.map((guest) => protectionOf(site, guest));
}

/** The id of the PVE storage through which backups of a retention go. */
export function storageId(retention: string): string {
  return `pbs-${retention}`;
}

/** The guests of a policy. */
export function guestsOf(site: Site, policy: string): Guest[] {
  return site.guests.filter(({ backup }) => backup.tool === "pbs" && backup.policy === policy);
}

function protectionOf(site: Site, guest: Guest): Protection {
  const unprotected: Protection = {
    guest: guest.name,
    vmId: guest.id,
    tool: guest.backup.tool,
    job: null,
    schedule: null,
    storage: null,
    datastore: null,
    namespace: null,
    retention: null,
    archiveBucket: null,
    worstCaseRpoHours: null,
  };
  if (guest.backup.tool === "none") return unprotected;
  if (guest.backup.tool !== "pbs") return { ...unprotected, worstCaseRpoHours: guest.backup.everyHours };
  const policy = site.policies[guest.backup.policy];
  const retention = policy && site.retentions[policy.retention];
  if (!policy || !retention) return unprotected;
  const schedule = parseSchedule("PVE", policy.schedule);
  return {
    ...unprotected,
    job: guest.backup.policy,
    schedule: policy.schedule,
    storage: storageId(policy.retention),
    datastore: retention.datastore,
    namespace: retention.namespace,
    retention: policy.retention,
    archiveBucket: site.archive.buckets.images.name,
    worstCaseRpoHours: schedule.ok ? schedule.longestGapHours : null,
  };
}

import type { Inventory, WatchedGuest, WatchedServerJob } from "../../alert-rules/inventory.ts";
import { protections } from "../backup/protections.ts";
import { backupHost } from "../hosts/backup-host.ts";
import { parseSchedule } from "../site/schedule.ts";
import type { Site } from "../site.ts";
import { webAddress } from "./addresses.ts";

/** What the alert rules have to know of a site. */
export function inventoryOf(site: Site): Inventory {
  const { monitoring, databases } = site;
  const backup = backupHost(site);
  const managed = site.guests.filter((guest) => guest.managed && guest.os === "linux");
  return {
    hosts: [...managed.map(({ name }) => name), ...(backup ? [backup.name] : [])],
    monitoringHost: monitoring.host,
    ...(backup ? { backupHost: backup.name } : {}),
    nodes: site.proxmox.nodes.map(({ name }) => name),
    guests: watchedGuests(site),
    datastores: Object.entries(site.pbs.datastores).map(([name, { verify, gcSchedule }]) => ({
      name,
      verificationOutdatedAfterDays: verify.outdatedAfterDays,
      ...dueWithin("maximumCollectionAgeSeconds", gcSchedule),
    })),
    serverJobs: serverJobs(site),
    clusters: databases.postgres.map(({ name, primary, standbys, databases, dump }) => ({
      name,
      primary,
      standbys,
      databases: dump.databases ?? databases,
      maximumDumpAgeHours: monitoring.maximumDumpAgeHours,
      dumpDurationLimitSeconds: dump.durationLimitMinutes * 60,
      isOffsite: dump.offsite !== "none",
      hasPhysicalBackups: true,
    })),
    others: databases.others.map(({ guest, engine }) => ({ guest, engine })),
    hasKubernetes: false,
    scrapeIntervalSeconds: monitoring.scrapeIntervalSeconds,
    evaluationIntervalSeconds: monitoring.evaluationIntervalSeconds,
    certificateRenewBeforeDays: site.certificates.renewBeforeDays,
    pace: monitoring.pace,
    thresholds: monitoring.thresholds,
    runbookUrl: monitoring.runbookUrl,
    ...(monitoring.grafana.install ? { grafanaUrl: webAddress(site, "grafana") } : {}),
  };
}

/** What a run of Proxmox Backup Server over a whole datastore may take. */
const serverJobHours = 12;

/** The jobs that the program makes on the backup server, under their ids. */
function serverJobs({ pbs, retentions }: Site): WatchedServerJob[] {
  return [
    ...Object.entries(retentions).map(([retention, { datastore, pruneSchedule }]) => ({
      id: `prune-${retention}`,
      type: "prune" as const,
      datastore,
      ...dueWithin("maximumAgeSeconds", pruneSchedule),
    })),
    ...Object.entries(pbs.datastores).map(([datastore, { verify }]) => ({
      id: `verify-${datastore}`,
      type: "verify" as const,
      datastore,
      ...dueWithin("maximumAgeSeconds", verify.schedule),
    })),
    ...pbs.sync.map(({ id, retention, schedule }) => ({
      id,
      type: "sync" as const,
      datastore: retentions[retention]?.datastore ?? "",
      ...dueWithin("maximumAgeSeconds", schedule),
    })),
  ];
}

function dueWithin<Name extends string>(name: Name, schedule: string): { readonly [key in Name]?: number } {
  const parsed = parseSchedule("PBS", schedule);
  if (!parsed.ok) return {};
  const due = { [name]: (parsed.longestGapHours + serverJobHours) * 3600 };
  return due as { readonly [key in Name]?: number };
}

/** A run that starts late, or waits for a node, is no reason to wake anybody. */
const lateHours = 1;

function watchedGuests(site: Site): WatchedGuest[] {
  const protectionOf = new Map(protections(site).map((protection) => [protection.guest, protection]));
  return site.guests.map(({ name, managed, backup }) => {
    const { worstCaseRpoHours = null } = protectionOf.get(name) ?? {};
    if (backup.tool !== "pbs") return { name, shouldRun: managed, backupTool: backup.tool };
    const { durationLimitMinutes = 0 } = site.policies[backup.policy] ?? {};
    return {
      name,
      shouldRun: managed,
      backupTool: backup.tool,
      backupJob: backup.policy,
      backupDurationLimitSeconds: durationLimitMinutes * 60,
      // A backup counts from the moment its run starts, and is there once the run has ended.
      ...(worstCaseRpoHours === null
        ? {}
        : { maximumBackupAgeSeconds: (worstCaseRpoHours + lateHours) * 3600 + durationLimitMinutes * 60 }),
    };
  });
}

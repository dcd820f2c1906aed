import type { Lab } from "./lab.ts";
import { type Alert, alert, type RuleGroup, selector } from "./rule.ts";
import { tiers } from "./tiers.ts";

/** The machine that keeps the backups: none where it is not watched. */
export function backupHost(lab: Lab): RuleGroup {
  const { backupHost: instance } = lab;
  if (instance === undefined) return { name: "backup-host", rules: [] };
  const at = (metric: string, labels: Readonly<Record<string, string>> = {}) =>
    selector(metric, { job: "node", instance, ...labels });
  return {
    name: "backup-host",
    rules: [
      datastoreNotMounted(lab, at("lab_backup_host_datastore_mounted")),
      ...datastoreFillsUp(
        lab,
        `1 - ${at("lab_backup_host_datastore_available_bytes")} / ${at("lab_backup_host_datastore_size_bytes")}`,
      ),
      diskFailing(lab, at("lab_backup_host_disk_healthy"), at("lab_backup_host_disk_media_errors")),
      ...diskWearsOut(lab, at("lab_backup_host_disk_wear_ratio")),
      memoryErrors(lab, at("node_edac_uncorrectable_errors_total"), at("node_edac_correctable_errors_total")),
      clockAway(lab, at("node_timex_sync_status")),
      ...["proxmox-backup.service", "proxmox-backup-proxy.service"].map((name) =>
        serviceDown(lab, at("node_systemd_unit_state", { name, state: "active" })),
      ),
      noUpdates(
        lab,
        at("lab_backup_host_repository_fetched"),
        at("lab_backup_host_repository_enabled", { repository: "enterprise" }),
        at("lab_backup_host_subscription_active"),
      ),
      unwatched(lab, at("lab_backup_host_checked_timestamp_seconds")),
    ],
  };
}

function datastoreNotMounted(lab: Lab, mounted: string): Alert {
  return alert({
    name: "DatastoreNotMounted",
    expression: `${mounted} == 0`,
    forSeconds: lab.hold(300),
    severity: "critical",
    area: "backup",
    summary: "A datastore's disk is not there.",
    description:
      "Datastore {{ $labels.datastore }} on {{ $labels.instance }} has no file system of its own: backups fail, or fill the system's disk.",
  });
}

/** @param used PromQL of the used share of each datastore, with the labels `datastore` and `instance` */
export function datastoreFillsUp(lab: Lab, used: string): Alert[] {
  return tiers(lab, { warning: "datastoreUsed", critical: "datastoreUsedCritical" }, ({ severity, limit }) =>
    alert({
      name: "DatastoreFillsUp",
      expression: `${used} > ${limit.value}`,
      limit,
      severity,
      area: "backup",
      summary: "A datastore fills up.",
      description:
        "{{ $value | humanizePercentage }} of datastore {{ $labels.datastore }} are used, as {{ $labels.instance }} sees it. When it is full, no guest is backed up; room comes back a day after garbage collection.",
      value: "{{ $value | humanizePercentage }}",
      keepFiringForSeconds: lab.hold(300),
    }),
  );
}

function diskFailing(lab: Lab, healthy: string, mediaErrors: string): Alert {
  return alert({
    name: "BackupDiskFailing",
    // The disk counts errors of its whole life: what counts here are those of the last day.
    expression: `${healthy} == 0 or ${mediaErrors} - min_over_time(${mediaErrors}[1d]) > 0`,
    forSeconds: lab.hold(300),
    severity: "critical",
    area: "backup",
    summary: "A disk of the backup server fails.",
    description:
      "{{ $labels.device }} ({{ $labels.model }}, {{ $labels.serial }}) on {{ $labels.instance }} says so, or has new media errors: replace it while it can still be read.",
  });
}

function diskWearsOut(lab: Lab, wear: string): Alert[] {
  return tiers(
    lab,
    { warning: "backupDiskWear", critical: "backupDiskWearCritical" },
    ({ severity, limit }) =>
      alert({
        name: "BackupDiskWearsOut",
        expression: `${wear} >= ${limit.value}`,
        limit,
        severity,
        area: "backup",
        summary: "A disk of the backup server wears out.",
        description:
          "{{ $labels.device }} ({{ $labels.model }}, {{ $labels.serial }}) on {{ $labels.instance }} has used {{ $value | humanizePercentage }} of its life.",
        value: "{{ $value | humanizePercentage }}",
      }),
  );
}

/** Only hardware that checks its memory says anything. */
function memoryErrors(lab: Lab, uncorrectable: string, correctable: string): Alert {
  return alert({
    name: "BackupHostMemoryErrors",
    // Single bits are corrected now and then; more than ten a day are a module that dies.
    expression: `increase(${uncorrectable}[${lab.window(3600)}]) > 0 or increase(${correctable}[1d]) > 10`,
    forSeconds: 0,
    severity: "critical",
    area: "integrity",
    summary: "The backup server's memory makes mistakes.",
    description: "What {{ $labels.instance }} writes may be wrong: test its memory, then verify the backups.",
  });
}

function clockAway(lab: Lab, synchronised: string): Alert {
  return alert({
    name: "BackupHostClockUnsynchronised",
    expression: `${synchronised} == 0`,
    forSeconds: lab.hold(1800),
    severity: "warning",
    area: "backup",
    summary: "The backup server's clock is on its own.",
    description:
      "{{ $labels.instance }} follows no time server: prune and expiry dates go wrong with its clock.",
  });
}

function serviceDown(lab: Lab, active: string): Alert {
  return alert({
    name: "BackupServiceDown",
    expression: `${active} == 0`,
    forSeconds: lab.hold(120),
    severity: "critical",
    area: "backup",
    summary: "Proxmox Backup Server does not run.",
    description: "{{ $labels.name }} on {{ $labels.instance }} is not active: nothing is backed up.",
  });
}

function noUpdates(lab: Lab, fetched: string, enterprise: string, subscription: string): Alert {
  return alert({
    name: "BackupServerGetsNoUpdates",
    expression: `${fetched} == 0 or (${enterprise} == 1 and on (instance) ${subscription} == 0)`,
    forSeconds: lab.hold(21_600),
    severity: "warning",
    area: "security",
    summary: "The backup server gets no updates.",
    description:
      "No package source of Proxmox Backup Server answers {{ $labels.instance }}: enable pbs-no-subscription, or renew the subscription.",
  });
}

function unwatched(lab: Lab, checked: string): Alert {
  const { value, forSeconds } = lab.limit("backupHostChecksAge");
  return alert({
    name: "BackupHostUnwatched",
    expression: `absent(${checked}) or time() - ${checked} > ${value}`,
    forSeconds,
    severity: "warning",
    area: "backup",
    summary: "Nobody looks at the backup server's disks.",
    description: "{{ $labels.instance }} should look at itself every quarter of an hour.",
  });
}

import type { Lab } from "./lab.ts";
import { type Alert, alert, type RuleGroup, selector } from "./rule.ts";

/** The machine that keeps the backups: none where it is not watched. */
export function backupHost({ backupHost: instance }: Lab): RuleGroup {
  if (instance === undefined) return { name: "backup-host", rules: [] };
  const at = (metric: string, labels: Readonly<Record<string, string>> = {}) =>
    selector(metric, { job: "node", instance, ...labels });
  return {
    name: "backup-host",
    rules: [
      datastoreNotMounted(at("lab_backup_host_datastore_mounted")),
      ...[
        { percent: 25, severity: "warning" as const },
        { percent: 15, severity: "critical" as const },
      ].map(({ percent, severity }) =>
        datastoreFull(
          at("lab_backup_host_datastore_available_bytes"),
          at("lab_backup_host_datastore_size_bytes"),
          percent,
          severity,
        ),
      ),
      diskFailing(
        at("lab_backup_host_disk_healthy"),
        at("lab_backup_host_disk_media_errors"),
        at("lab_backup_host_disk_wear_ratio"),
      ),
      memoryErrors(at("node_edac_uncorrectable_errors_total"), at("node_edac_correctable_errors_total")),
      clockAway(at("node_timex_sync_status")),
      ...["proxmox-backup.service", "proxmox-backup-proxy.service"].map((name) =>
        serviceDown(at("node_systemd_unit_state", { name, state: "active" })),
      ),
      noUpdates(
        at("lab_backup_host_repository_fetched"),
        at("lab_backup_host_repository_enabled", { repository: "enterprise" }),
        at("lab_backup_host_subscription_active"),
      ),
      unwatched(at("lab_backup_host_checked_timestamp_seconds")),
    ],
  };
}

function datastoreNotMounted(mounted: string): Alert {
  return alert({
    name: "DatastoreNotMounted",
    expression: `${mounted} == 0`,
    forSeconds: 300,
    severity: "critical",
    area: "backup",
    summary: "A datastore's disk is not there.",
    description:
      "Datastore {{ $labels.datastore }} on {{ $labels.instance }} has no file system of its own: backups fail, or fill the system's disk.",
  });
}

/** B8 of the requirements: above 75 % used warns, above 85 % is critical. */
function datastoreFull(available: string, size: string, percent: number, severity: Alert["severity"]): Alert {
  return alert({
    name: "DatastoreFillsUp",
    expression: `${available} / ${size} < ${percent / 100}`,
    forSeconds: 900,
    severity,
    area: "backup",
    summary: "A datastore fills up.",
    description:
      "Only {{ $value | humanizePercentage }} of datastore {{ $labels.datastore }} on {{ $labels.instance }} are free.",
  });
}

function diskFailing(healthy: string, mediaErrors: string, wear: string): Alert {
  return alert({
    name: "BackupDiskFailing",
    expression: `${healthy} == 0 or increase(${mediaErrors}[1d]) > 0 or ${wear} >= 0.9`,
    forSeconds: 300,
    severity: "critical",
    area: "backup",
    summary: "A disk of the backup server wears out or fails.",
    description:
      "{{ $labels.device }} ({{ $labels.model }}, {{ $labels.serial }}) on {{ $labels.instance }}: replace it while it can still be read.",
  });
}

/** Only hardware that checks its memory says anything. */
function memoryErrors(uncorrectable: string, correctable: string): Alert {
  return alert({
    name: "BackupHostMemoryErrors",
    expression: `increase(${uncorrectable}[1h]) > 0 or increase(${correctable}[1d]) > 10`,
    forSeconds: 0,
    severity: "critical",
    area: "backup",
    summary: "The backup server's memory makes mistakes.",
    description: "What {{ $labels.instance }} writes may be wrong: test its memory, then verify the backups.",
  });
}

function clockAway(synchronised: string): Alert {
  return alert({
    name: "BackupHostClockUnsynchronised",
    expression: `${synchronised} == 0`,
    forSeconds: 1800,
    severity: "warning",
    area: "backup",
    summary: "The backup server's clock is on its own.",
    description:
      "{{ $labels.instance }} follows no time server: prune and expiry dates go wrong with its clock.",
  });
}

function serviceDown(active: string): Alert {
  return alert({
    name: "BackupServiceDown",
    expression: `${active} == 0`,
    forSeconds: 120,
    severity: "critical",
    area: "backup",
    summary: "Proxmox Backup Server does not run.",
    description: "{{ $labels.name }} on {{ $labels.instance }} is not active: nothing is backed up.",
  });
}

function noUpdates(fetched: string, enterprise: string, subscription: string): Alert {
  return alert({
    name: "BackupServerGetsNoUpdates",
    expression: `${fetched} == 0 or (${enterprise} == 1 and on(instance) ${subscription} == 0)`,
    forSeconds: 21_600,
    severity: "warning",
    area: "security",
    summary: "The backup server gets no updates.",
    description:
      "No package source of Proxmox Backup Server answers {{ $labels.instance }}: enable pbs-no-subscription, or renew the subscription.",
  });
}

function unwatched(checked: string): Alert {
  return alert({
    name: "BackupHostUnwatched",
    expression: `absent(${checked}) or time() - ${checked} > 3600`,
    forSeconds: 900,
    severity: "warning",
    area: "backup",
    summary: "Nobody looks at the backup server's disks.",
    description: "{{ $labels.instance }} should look at itself every quarter of an hour.",
  });
}

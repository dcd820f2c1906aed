import type { WatchedCluster } from "./inventory.ts";
import type { Lab } from "./lab.ts";
import { siteLimit } from "./limit.ts";
import { type Alert, alert, type RuleGroup, selector } from "./rule.ts";
import type { FigureName } from "./thresholds.ts";

/** Dumps: whether each database has one that was proven by restoring it, here and off-site, and room for the next. */
export function backup(lab: Lab): RuleGroup {
  return {
    name: "backup",
    // Ages of hours and days, a rule for each of many.
    intervalSeconds: lab.every(300),
    rules: [
      ...lab.clusters.flatMap((cluster) => [
        nothingProven(lab, cluster),
        ...cluster.databases.flatMap((database) => expected(lab, cluster, database)),
      ]),
      unproven(lab),
      unprovenRuns(lab),
      unreadableRuns(lab),
      shrank(lab),
      offsiteLags(lab, "offsiteAge", "warning"),
      offsiteLags(lab, "offsiteAgeCritical", "critical"),
      directoryFills(lab, "backupDirectoryUsed", "warning"),
      directoryFills(lab, "backupDirectoryUsedCritical", "critical"),
      directoryTooSmall(lab),
      archiveDamaged(lab),
      archiveUnverified(lab),
    ],
  };
}

/** What the site says that there must be, so that it is missed by name. After a failover another host reports it. */
function expected(lab: Lab, cluster: WatchedCluster, database: string): Alert[] {
  const of = (metric: string) => selector(metric, { job: "node", cluster: cluster.name, database });
  const labels = { cluster: cluster.name, database, instance: cluster.primary };
  return [
    tooOld(lab, cluster, of("dbkeeper_last_validated_timestamp_seconds")),
    alert({
      name: "DatabaseBackupUnknown",
      expression: `absent(${of("dbkeeper_last_validated_timestamp_seconds")})`,
      // A new host needs the time of its first run.
      forSeconds: lab.hold(3600),
      severity: "critical",
      area: "backup",
      summary: "Nothing is known of a database's backups.",
      description:
        "No dump of {{ $labels.database }} on cluster {{ $labels.cluster }} that was proven by a restore is reported.",
      labels,
    }),
    ...(cluster.isOffsite
      ? [
          offsiteMissing(
            lab,
            of("dbkeeper_last_success_timestamp_seconds"),
            of("dbkeeper_last_offsite_timestamp_seconds"),
          ),
        ]
      : []),
  ];
}

function tooOld(lab: Lab, { maximumDumpAgeHours }: WatchedCluster, validated: string): Alert {
  const limit = siteLimit(lab.limit("databaseBackupAge"), maximumDumpAgeHours * 3600);
  return alert({
    name: "DatabaseBackupTooOld",
    expression: `time() - max by (cluster, database) (${validated}) > ${limit.value}`,
    limit,
    severity: "critical",
    area: "backup",
    summary: "The last validated database backup is too old.",
    description:
      "The newest dump of {{ $labels.database }} on cluster {{ $labels.cluster }} that was proven by a restore is {{ $value | humanizeDuration }} old. Whatever is lost now costs so much.",
    value: "{{ $value | humanizeDuration }}",
  });
}

function offsiteMissing(lab: Lab, dumped: string, sent: string): Alert {
  return alert({
    name: "OffsiteCopyMissing",
    expression: `max by (cluster, database) (${dumped}) > 0 unless on (cluster, database) ${sent}`,
    // The first copy of everything takes its time.
    forSeconds: lab.hold(6 * 3600),
    severity: "warning",
    area: "backup",
    summary: "A database has no copy off-site.",
    description:
      "Dumps of {{ $labels.database }} on cluster {{ $labels.cluster }} exist, but none was ever copied to the archive: they would be lost with the site.",
  });
}

function nothingProven(lab: Lab, { name }: WatchedCluster): Alert {
  return alert({
    name: "NoProvenBackupKept",
    expression: `max by (cluster) (${selector("dbkeeper_kept_runs", { job: "node", cluster: name, state: "proven" })}) == 0`,
    forSeconds: lab.hold(3600),
    severity: "critical",
    area: "backup",
    summary: "A cluster has no run of dumps that was proven.",
    description:
      "No run of dumps of cluster {{ $labels.cluster }} that is kept on its host was proven by a restore.",
  });
}

const unproven = (lab: Lab) =>
  alert({
    name: "DatabaseDumpNotProven",
    expression: `max by (cluster, database) (dbkeeper_last_success_timestamp_seconds{job="node"}) - on (cluster, database) max by (cluster, database) (dbkeeper_last_validated_timestamp_seconds{job="node"}) > ${lab.limit("unprovenDumps").value}`,
    limit: lab.limit("unprovenDumps"),
    severity: "warning",
    area: "backup",
    summary: "The newest dump of a database was not proven by a restore.",
    description:
      "The newest dump of {{ $labels.database }} on cluster {{ $labels.cluster }} was not restored, or did not come out equal; the newest that did is {{ $value | humanizeDuration }} older.",
    value: "{{ $value | humanizeDuration }}",
  });

const unprovenRuns = (lab: Lab) =>
  alert({
    name: "UnprovenBackupsKept",
    expression: `sum by (instance, cluster) (dbkeeper_kept_runs{job="node",state="proven"}) / on (instance, cluster) (sum by (instance, cluster) (dbkeeper_kept_runs{job="node"}) > 0) < ${lab.limit("provenRuns").value}`,
    limit: lab.limit("provenRuns"),
    severity: "warning",
    area: "backup",
    summary: "Not every run of dumps that is kept was proven.",
    description:
      "Only {{ $value | humanizePercentage }} of the runs of dumps that {{ $labels.instance }} keeps were proven by restoring them; all should be.",
    value: "{{ $value | humanizePercentage }}",
  });

const unreadableRuns = (lab: Lab) =>
  alert({
    name: "BackupRunUnreadable",
    expression: `dbkeeper_kept_runs{job="node",state="unreadable"} > ${lab.limit("unreadableRuns").value}`,
    limit: lab.limit("unreadableRuns"),
    severity: "warning",
    area: "backup",
    summary: "A run of dumps cannot be read.",
    description:
      "{{ $value }} of the runs of dumps on {{ $labels.instance }} have a manifest that cannot be read: nothing can be restored from them.",
    value: "{{ $value }} runs",
  });

const shrank = (lab: Lab) =>
  alert({
    name: "DatabaseDumpShrank",
    // A week is one of people's work, at any pace.
    expression: `dbkeeper_dump_size_bytes{job="node"} / (max_over_time(dbkeeper_dump_size_bytes{job="node"}[7d:1h]) > ${lab.limit("dumpShrinkageFloor").value}) < ${lab.limit("dumpShrinkage").value}`,
    limit: lab.limit("dumpShrinkage"),
    severity: "warning",
    area: "integrity",
    summary: "A database's dump is much smaller than within the last week.",
    description:
      "The newest dump of {{ $labels.database }} on {{ $labels.instance }} has {{ $value | humanizePercentage }} of the size of this week's largest: were rows deleted by mistake?",
    value: "{{ $value | humanizePercentage }}",
  });

function offsiteLags(lab: Lab, figure: FigureName, severity: Alert["severity"]): Alert {
  const limit = lab.limit(figure);
  return alert({
    name: "OffsiteCopyLags",
    expression: `time() - dbkeeper_last_offsite_timestamp_seconds{job="node"} > ${limit.value} and dbkeeper_offsite_lag_seconds{job="node"} > 0`,
    limit,
    severity,
    area: "backup",
    summary: "The newest dump was not copied off-site.",
    description:
      "The newest copy of {{ $labels.database }} off-site is {{ $value | humanizeDuration }} old, though {{ $labels.instance }} has a newer dump: that much would be lost with the site.",
    value: "{{ $value | humanizeDuration }}",
  });
}

function directoryFills(lab: Lab, figure: FigureName, severity: Alert["severity"]): Alert {
  const limit = lab.limit(figure);
  return alert({
    name: "BackupDirectoryFillsUp",
    expression: `1 - dbkeeper_backup_directory_free_bytes{job="node"} / dbkeeper_backup_directory_size_bytes{job="node"} > ${limit.value}`,
    limit,
    severity,
    area: "backup",
    summary: "The disk of the dumps fills up.",
    description:
      "{{ $value | humanizePercentage }} of the file system of dumps and physical backups on {{ $labels.instance }} are used. When it is full, there are no new backups.",
    value: "{{ $value | humanizePercentage }}",
    keepFiringForSeconds: lab.hold(300),
  });
}

const directoryTooSmall = (lab: Lab) =>
  alert({
    name: "NextDumpHasNoRoom",
    expression: `sum by (instance, cluster) (dbkeeper_backup_directory_free_bytes{job="node"}) - sum by (instance, cluster) (dbkeeper_dump_size_bytes{job="node"}) < ${lab.limit("backupDirectoryRoom").value}`,
    limit: lab.limit("backupDirectoryRoom"),
    severity: "critical",
    area: "backup",
    summary: "The next run of dumps finds no room.",
    description:
      "A run as large as the newest would leave {{ $value | humanize1024 }}B free on {{ $labels.instance }}: dbkeeper will refuse it.",
    value: "{{ $value | humanize1024 }}B",
  });

const archiveDamaged = (lab: Lab) =>
  alert({
    name: "ArchiveDamaged",
    expression: `dbkeeper_archive_problems{job="node"} > ${lab.limit("archiveProblems").value}`,
    limit: lab.limit("archiveProblems"),
    severity: "critical",
    area: "integrity",
    summary: "The archive does not hold what was sent to it.",
    description:
      "The last look at the archive of cluster {{ $labels.cluster }} from {{ $labels.instance }} found {{ $value }} objects that are missing or differ from what was sent.",
    value: "{{ $value }} objects",
  });

const archiveUnverified = (lab: Lab) =>
  alert({
    name: "ArchiveNotVerified",
    expression: `time() - max by (cluster) (dbkeeper_archive_last_verified_timestamp_seconds{job="node"}) > ${lab.limit("archiveVerificationAge").value}`,
    limit: lab.limit("archiveVerificationAge"),
    severity: "warning",
    area: "integrity",
    summary: "Nobody has looked at the archive for more than a month.",
    description:
      "The archive of cluster {{ $labels.cluster }} was last found complete {{ $value | humanizeDuration }} ago.",
    value: "{{ $value | humanizeDuration }}",
  });

import type { WatchedCluster } from "./inventory.ts";
import type { Lab } from "./lab.ts";
import { observedWindow } from "./observed.ts";
import { alert, type RuleGroup, selector } from "./rule.ts";
import { tiers } from "./tiers.ts";

/** The write-ahead log and its way into the archive: what can be recovered ends where it ends. */
export function wal(lab: Lab): RuleGroup {
  const archiving = lab.clusters.filter(({ hasPhysicalBackups }) => hasPhysicalBackups);
  return {
    name: "wal",
    intervalSeconds: lab.every(60),
    rules: [
      ...directoryLarge(lab),
      ...(archiving.length > 0
        ? [
            archiveFailing(lab),
            archiveDelayed(lab),
            archiverBad(lab),
            segmentsWaiting(lab),
            segmentsLost(lab),
            segmentsDelayed(lab),
            checkFailing(lab),
            checkOverdue(lab),
          ]
        : []),
      ...archiving.map((cluster) => unknown(lab, cluster)),
    ],
  };
}

const directoryLarge = (lab: Lab) => {
  const on = "on (job, instance, cluster)";
  const kept = `(pg_settings_max_wal_size_bytes{job="postgres"} + pg_settings_wal_keep_size_bytes{job="postgres"})`;
  return tiers(lab, { warning: "walDirectory", critical: "walDirectoryCritical" }, (tier) =>
    alert({
      ...tier,
      name: "WalDirectoryLarge",
      expression: `pg_wal_size_bytes{job="postgres"} / ${on} ${kept} > ${tier.limit.value} and ${on} ${kept} > 0`,
      area: "resources",
      summary: "PostgreSQL keeps much more write-ahead log than it should.",
      description:
        "pg_wal on {{ $labels.instance }} has {{ $value | humanizePercentage }} of the size that it is set to: a slot, the archive or a checkpoint holds it. When its disk is full the server stops.",
      value: "{{ $value | humanizePercentage }}",
    }),
  );
};

const archiveFailing = (lab: Lab) => {
  const limit = lab.limit("walArchiveFailures");
  const failed = `increase(pg_stat_archiver_failed_count{job="postgres"}[${observedWindow(lab, 600)}]) > ${limit.value}`;
  // A command that is ended by a signal ends the archiver too, and is not counted.
  const logged = `increase(dbkeeper_log_events_total{job="node",kind="archive_failed"}[${observedWindow(lab, 600)}]) > ${limit.value}`;
  return alert({
    name: "WalArchiveFailing",
    expression: `${failed} or on (instance) ${logged}`,
    limit,
    severity: "warning",
    area: "backup",
    summary: "Write-ahead log could not be archived.",
    description:
      "archive_command on {{ $labels.instance }} has failed {{ $value | humanize }} times within ten minutes. PostgreSQL tries again and keeps the log meanwhile.",
    value: "{{ $value | humanize }} failures",
  });
};

const archiveDelayed = (lab: Lab) => {
  const limit = lab.limit("walArchiveDelay");
  const waiting = `dbkeeper_wal_archive_lag_seconds{job="node"} > ${limit.value}`;
  // The check looks every quarter of an hour; that nothing arrives while tries fail is known at once.
  const failing = `increase(pg_stat_archiver_failed_count{job="postgres"}[${observedWindow(lab, 600)}]) > 0`;
  return alert({
    name: "WalArchiveDelayed",
    expression: `${waiting} or on (instance) (pg_stat_archiver_last_archive_age{job="postgres"} > ${limit.value} and on (instance) ${failing})`,
    limit,
    severity: "critical",
    area: "backup",
    summary: "The archive of the write-ahead log is behind.",
    description:
      "{{ $labels.instance }} has write-ahead log that has waited {{ $value | humanizeDuration }} for the archive. If the server is lost now, so is all that was written since.",
    value: "{{ $value | humanizeDuration }}",
  });
};

const archiverBad = (lab: Lab) => {
  const limit = lab.limit("walArchiver");
  return alert({
    name: "WalArchiverBad",
    expression: `dbkeeper_wal_archiver_good{job="node"} == ${limit.value}`,
    limit,
    severity: "critical",
    area: "backup",
    summary: "Archiving of the write-ahead log does not go well.",
    description:
      "The last check of the archive on {{ $labels.instance }} found that segments do not arrive, whatever the server counts: `dbkeeper wal check` says why.",
    value: "not good",
  });
};

const segmentsWaiting = (lab: Lab) => {
  const limit = lab.limit("walReady");
  return alert({
    name: "WalSegmentsWaiting",
    expression: `dbkeeper_wal_ready_segments{job="node"} > ${limit.value}`,
    limit,
    severity: "warning",
    area: "backup",
    summary: "Many segments wait for the archive.",
    description:
      "On {{ $labels.instance }} {{ $value | humanize }} segments wait for the archive: more is written than gets there.",
    value: "{{ $value | humanize }} segments",
  });
};

const segmentsLost = (lab: Lab) => {
  const limit = lab.limit("walSegmentsMissing");
  return alert({
    name: "WalSegmentsLost",
    expression: `dbkeeper_wal_missing_segments{job="node",class="MISSING_LOST"} > ${limit.value}`,
    limit,
    severity: "critical",
    area: "backup",
    summary: "Write-ahead log is missing in the archive.",
    description:
      "Repository {{ $labels.repository }} of {{ $labels.instance }} lacks {{ $value | humanize }} segments for good: recovery ends before them. Take a full backup now.",
    value: "{{ $value | humanize }} segments",
  });
};

const segmentsDelayed = (lab: Lab) => {
  const limit = lab.limit("walSegmentsDelayed");
  return alert({
    name: "WalSegmentsDelayed",
    expression: `sum by (instance, cluster, repository) (dbkeeper_wal_missing_segments{job="node",class=~"MISSING_DELAYED|MISSING_UPLOADING"}) > ${limit.value}`,
    limit,
    severity: "warning",
    area: "backup",
    summary: "Segments do not arrive in the archive.",
    description:
      "Repository {{ $labels.repository }} of {{ $labels.instance }} has lacked {{ $value | humanize }} segments for an hour that should be on their way.",
    value: "{{ $value | humanize }} segments",
  });
};

const checkRun = (metric: string) => `${metric}{job="node",command="wal check"}`;

const checkFailing = (lab: Lab) =>
  alert({
    name: "WalCheckFailing",
    expression: `${checkRun("dbkeeper_last_run_success")} == 0`,
    forSeconds: lab.limit("walArchiver").forSeconds,
    severity: "warning",
    area: "backup",
    summary: "The check of the archive fails.",
    description:
      "`dbkeeper wal check` on {{ $labels.instance }} has found something that keeps the cluster from being recovered, or could not look.",
  });

const checkOverdue = (lab: Lab) => {
  const limit = lab.limit("walCheckAge");
  return alert({
    name: "WalCheckOverdue",
    // After a failover another member runs it.
    expression: `time() - max by (cluster) (${checkRun("dbkeeper_last_run_timestamp_seconds")}) > ${limit.value}`,
    limit,
    severity: "warning",
    area: "backup",
    summary: "Nobody checks the archive of the write-ahead log.",
    description:
      "The archive of cluster {{ $labels.cluster }} was last checked {{ $value | humanizeDuration }} ago: what its alerts look at is as old.",
    value: "{{ $value | humanizeDuration }}",
  });
};

function unknown(lab: Lab, { name, primary }: WatchedCluster) {
  return alert({
    name: "WalArchiveUnknown",
    expression: `absent(${selector("dbkeeper_wal_ready_segments", { job: "node", cluster: name })})`,
    forSeconds: lab.limit("walUnknown").forSeconds,
    severity: "critical",
    area: "backup",
    summary: "Nothing is known of the archive of the write-ahead log.",
    description: `Nobody has told how archiving goes in cluster {{ $labels.cluster }}: was \`dbkeeper wal setup\` run on ${primary}, and does its timer run?`,
  });
}

import type { WatchedCluster } from "./inventory.ts";
import type { Lab } from "./lab.ts";
import { type Alert, alert, type RuleGroup, selector } from "./rule.ts";
import type { FigureName } from "./thresholds.ts";

/** Physical backups of clusters, and the drills that prove them by restoring them. */
export function physicalBackups(lab: Lab): RuleGroup {
  const clusters = lab.clusters.filter(({ hasPhysicalBackups }) => hasPhysicalBackups);
  if (clusters.length === 0) return { name: "physical-backups", rules: [] };
  return {
    name: "physical-backups",
    // What it reads is written once a minute at most.
    intervalSeconds: lab.every(60),
    rules: [
      ...clusters.flatMap((cluster) => [unknown(lab, cluster), neverDrilled(lab, cluster)]),
      tooOld(lab, "physicalBackupAge", "warning"),
      tooOld(lab, "physicalBackupAgeCritical", "critical"),
      fullTooOld(lab),
      drillTooOld(lab),
      drillFailed(lab, "partial", "warning"),
      drillFailed(lab, "fail", "critical"),
      objectiveMissed(lab, "RecoveryTimeObjectiveMissed", "rto", {
        summary: "A restore takes longer than it may.",
        text: "took {{ $value | humanizeDuration }} longer than the recovery time objective allows",
      }),
      objectiveMissed(lab, "RecoveryPointObjectiveMissed", "rpo", {
        summary: "A restore loses more than it may.",
        text: "brought back rows that were {{ $value | humanizeDuration }} older than the recovery point objective allows",
      }),
    ],
  };
}

const newest = 'max by (cluster, repository) (dbkeeper_wal_last_backup_timestamp_seconds{job="node"})';

function tooOld(lab: Lab, figure: FigureName, severity: Alert["severity"]): Alert {
  const limit = lab.limit(figure);
  return alert({
    name: "PhysicalBackupTooOld",
    expression: `time() - ${newest} > ${limit.value}`,
    limit,
    severity,
    area: "backup",
    summary: "The newest physical backup is too old.",
    description:
      "The newest physical backup of cluster {{ $labels.cluster }} in repository {{ $labels.repository }} is {{ $value | humanizeDuration }} old: recovery has all of the log since then to replay.",
    value: "{{ $value | humanizeDuration }}",
  });
}

const fullTooOld = (lab: Lab) =>
  alert({
    name: "FullPhysicalBackupTooOld",
    expression: `time() - max by (cluster, repository) (dbkeeper_wal_last_backup_timestamp_seconds{job="node",type="full"}) > ${lab.limit("fullPhysicalBackupAge").value}`,
    limit: lab.limit("fullPhysicalBackupAge"),
    severity: "warning",
    area: "backup",
    summary: "The newest full physical backup is too old.",
    description:
      "The newest full backup of cluster {{ $labels.cluster }} in repository {{ $labels.repository }} is {{ $value | humanizeDuration }} old, and every other hangs on it.",
    value: "{{ $value | humanizeDuration }}",
  });

function unknown(lab: Lab, { name, primary }: WatchedCluster): Alert {
  return alert({
    name: "PhysicalBackupUnknown",
    expression: `absent(${selector("dbkeeper_wal_last_backup_timestamp_seconds", { job: "node", cluster: name })})`,
    // A new host takes its first one when it starts.
    forSeconds: lab.hold(3600),
    severity: "critical",
    area: "backup",
    summary: "Nothing is known of a cluster's physical backups.",
    description:
      "No physical backup of cluster {{ $labels.cluster }} is reported: there may be nothing to recover a moment from.",
    labels: { instance: primary, cluster: name },
  });
}

function neverDrilled(lab: Lab, { name }: WatchedCluster): Alert {
  const limit = lab.limit("restoreDrillDue");
  const of = (metric: string) => selector(metric, { job: "node", cluster: name });
  return alert({
    name: "RestoreNeverDrilled",
    expression: `time() - min by (cluster) (${of("dbkeeper_wal_oldest_backup_timestamp_seconds")}) > ${limit.value} unless on (cluster) ${of("dbkeeper_wal_last_passing_drill_timestamp_seconds")}`,
    limit,
    severity: "warning",
    area: "backup",
    summary: "A cluster's physical backups were never restored for proof.",
    description:
      "Cluster {{ $labels.cluster }} has had physical backups for {{ $value | humanizeDuration }}, and no restore drill has ever passed.",
    value: "{{ $value | humanizeDuration }}",
  });
}

const drillTooOld = (lab: Lab) =>
  alert({
    name: "RestoreDrillTooOld",
    // Drills take the repositories in turn: each must have had its own.
    expression: `time() - max by (cluster, repository) (dbkeeper_wal_last_passing_drill_timestamp_seconds{job="node"}) > ${lab.limit("restoreDrillAge").value}`,
    limit: lab.limit("restoreDrillAge"),
    severity: "warning",
    area: "backup",
    summary: "Physical backups have not been restored for proof for too long.",
    description:
      "Cluster {{ $labels.cluster }} was last restored from repository {{ $labels.repository }} with success {{ $value | humanizeDuration }} ago.",
    value: "{{ $value | humanizeDuration }}",
  });

function drillFailed(lab: Lab, verdict: "fail" | "partial", severity: Alert["severity"]): Alert {
  return alert({
    name: "RestoreDrillFailed",
    expression: `count by (instance, cluster, verdict) (${selector("dbkeeper_wal_last_drill_timestamp_seconds", { job: "node", verdict })}) > 0`,
    forSeconds: lab.hold(60),
    severity,
    area: "backup",
    summary: "The last restore drill did not pass.",
    description:
      "The last restore drill on {{ $labels.instance }} ended with the verdict {{ $labels.verdict }}: what was restored is not proven to be what was backed up.",
  });
}

function objectiveMissed(
  lab: Lab,
  name: string,
  figure: "rto" | "rpo",
  { summary, text }: { readonly summary: string; readonly text: string },
): Alert {
  const metric = `dbkeeper_wal_drill_${figure}`;
  return alert({
    name,
    // What it is held against is reported with it: the tier's objective of the site.
    expression: `${metric}_seconds{job="node"} - ${metric}_objective_seconds{job="node"} > 0`,
    forSeconds: lab.hold(60),
    severity: "warning",
    area: "backup",
    summary,
    description: `The last restore drill of cluster {{ $labels.cluster }} on {{ $labels.instance }} ${text}.`,
    value: "{{ $value | humanizeDuration }} too much",
  });
}

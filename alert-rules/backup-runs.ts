import type { WatchedCluster } from "./inventory.ts";
import type { Lab } from "./lab.ts";
import { type Limit, siteLimit } from "./limit.ts";
import { type Alert, alert, type RuleGroup, selector } from "./rule.ts";

/** Runs of what makes and keeps backups: failed, not started, too slow. */
export function backupRuns(lab: Lab): RuleGroup {
  return {
    name: "backup-runs",
    // What it reads is written once a minute at most.
    intervalSeconds: lab.every(60),
    rules: [
      failed(lab),
      ...lab.clusters.flatMap((cluster) => [
        tooLong(lab, cluster),
        ...schedules(lab, cluster).map(([command, limit]) => overdue(cluster, command, limit)),
      ]),
    ],
  };
}

/** What timers start, by the command that they start. A restore drill has an alert of its own for its result. */
const commands = [
  "run",
  "validate",
  "prune",
  "archive",
  "archive verify",
  "wal setup",
  "wal backup",
  "wal expire",
];

const failed = (lab: Lab) =>
  alert({
    name: "BackupJobFailed",
    expression: `dbkeeper_last_run_exit_code{job="node",command=~"${commands.join("|")}"} != ${lab.limit("backupExitCode").value}`,
    limit: lab.limit("backupExitCode"),
    severity: "warning",
    area: "backup",
    summary: "A run that makes or keeps backups has failed.",
    description:
      "The last `dbkeeper {{ $labels.command }}` on {{ $labels.instance }} ended with exit code {{ $value }}; `dbkeeper --help` lists what they mean.",
    value: "exit code {{ $value }}",
  });

function schedules(lab: Lab, cluster: WatchedCluster): (readonly [command: string, limit: Limit])[] {
  return [
    ["run", siteLimit(lab.limit("dumpRunAge"), cluster.maximumDumpAgeHours * 3600)],
    ...(cluster.isOffsite ? [["archive", lab.limit("archiveRunAge")] as const] : []),
    ...(cluster.hasPhysicalBackups
      ? [
          ["wal backup", lab.limit("physicalBackupRunAge")] as const,
          ["wal drill", lab.limit("drillRunAge")] as const,
        ]
      : []),
  ];
}

function overdue({ name, primary }: WatchedCluster, command: string, limit: Limit): Alert {
  const ended = selector("dbkeeper_last_run_timestamp_seconds", { job: "node", cluster: name, command });
  return alert({
    name: "BackupJobOverdue",
    // After a failover another member runs it.
    expression: `time() - max by (cluster, command) (${ended}) > ${limit.value}`,
    limit,
    severity: "warning",
    area: "backup",
    summary: "What makes or keeps backups was not started in time.",
    description: `\`dbkeeper {{ $labels.command }}\` of cluster {{ $labels.cluster }} ended {{ $value | humanizeDuration }} ago for the last time: does its timer still run on ${primary}?`,
    value: "{{ $value | humanizeDuration }}",
  });
}

function tooLong(lab: Lab, { name, dumpDurationLimitSeconds }: WatchedCluster): Alert {
  const limit = siteLimit(lab.limit("dumpRunDuration"), dumpDurationLimitSeconds);
  return alert({
    name: "BackupRunTooLong",
    expression: `${selector("dbkeeper_run_duration_seconds", { job: "node", cluster: name })} > ${limit.value}`,
    limit,
    severity: "warning",
    area: "performance",
    summary: "Dumping the databases takes longer than it may.",
    description:
      "The newest run of dumps on {{ $labels.instance }} took {{ $value | humanizeDuration }}: it will soon run into what comes after it.",
    value: "{{ $value | humanizeDuration }}",
  });
}

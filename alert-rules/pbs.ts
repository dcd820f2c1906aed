import { datastoreFillsUp } from "./backup-host.ts";
import type { WatchedDatastore, WatchedServerJob } from "./inventory.ts";
import type { Lab } from "./lab.ts";
import { siteLimit } from "./limit.ts";
import { type Alert, alert, type RuleGroup, selector } from "./rule.ts";

/** Proxmox Backup Server: its datastores, and the jobs that prune, verify, copy and collect. */
export function pbs(lab: Lab): RuleGroup {
  return {
    name: "pbs",
    // What it reads is written once a minute at most.
    intervalSeconds: lab.every(60),
    rules: [
      unreachable(lab),
      partUnread(lab),
      datastoreUnavailable(lab),
      inMaintenance(lab),
      // Where the host is watched too, it says so itself.
      ...datastoreFillsUp(
        lab,
        '(lab_pbs_datastore_used_bytes{job="node"} / lab_pbs_datastore_total_bytes{job="node"} unless on (datastore) lab_backup_host_datastore_size_bytes{job="node"})',
      ),
      fullSoon(lab),
      chunksDamaged(lab),
      collectionFailed(lab),
      ...lab.datastores.flatMap((datastore) => collectionOverdue(lab, datastore)),
      jobFailed(lab),
      ...lab.serverJobs.flatMap((job) => jobStates(lab, job)),
      tasksFailed(lab),
    ],
  };
}

const unreachable = (lab: Lab) =>
  alert({
    name: "BackupServerUnreachable",
    expression: 'lab_pbs_up{job="node"} == 0',
    forSeconds: lab.hold(900),
    severity: "critical",
    area: "backup",
    summary: "Proxmox Backup Server does not answer.",
    description:
      "{{ $labels.instance }} gets no answer from Proxmox Backup Server: guests cannot be backed up or restored, and nothing is known of what is kept.",
  });

const partUnread = (lab: Lab) =>
  alert({
    name: "BackupServerPartUnread",
    expression: 'lab_pbs_part_success{job="node"} == 0 and on (instance) lab_pbs_up{job="node"} == 1',
    forSeconds: lab.hold(1800),
    severity: "warning",
    area: "monitoring",
    summary: "A part of what the backup server knows cannot be read.",
    description:
      "The backup server answers {{ $labels.instance }}, but not about its {{ $labels.part }}: has the token lost a right? Alerts on it stay silent.",
  });

const datastoreUnavailable = (lab: Lab) =>
  alert({
    name: "DatastoreUnavailable",
    expression: 'lab_pbs_datastore_up{job="node"} == 0',
    forSeconds: lab.hold(300),
    severity: "critical",
    area: "backup",
    summary: "A datastore cannot be used.",
    description:
      "The backup server cannot use datastore {{ $labels.datastore }}: nothing is backed up into it, and nothing restored from it. {{ $labels.instance }} read so.",
  });

const inMaintenance = (lab: Lab) =>
  alert({
    name: "DatastoreInMaintenance",
    expression: 'lab_pbs_datastore_maintenance{job="node",mode!="none"} == 1',
    forSeconds: lab.hold(7200),
    severity: "warning",
    area: "backup",
    summary: "A datastore has been in maintenance for hours.",
    description:
      "Datastore {{ $labels.datastore }} is in maintenance ({{ $labels.mode }}): backups into it are refused until somebody ends that.",
  });

const fullSoon = (lab: Lab) =>
  alert({
    name: "DatastoreFullSoon",
    expression: `lab_pbs_datastore_estimated_full_timestamp_seconds{job="node"} - time() < ${lab.limit("datastoreFullWithin").value}`,
    limit: lab.limit("datastoreFullWithin"),
    severity: "warning",
    area: "capacity",
    summary: "A datastore will be full within a month.",
    description:
      "If it goes on to grow as in the last month, datastore {{ $labels.datastore }} is full in {{ $value | humanizeDuration }}.",
    value: "{{ $value | humanizeDuration }}",
  });

const chunksDamaged = (lab: Lab) =>
  alert({
    name: "BackupChunksDamaged",
    expression: 'lab_pbs_gc_still_bad_chunks{job="node"} > 0',
    forSeconds: lab.hold(60),
    severity: "critical",
    area: "integrity",
    summary: "Backups use damaged chunks.",
    description:
      "{{ $value }} damaged chunks of datastore {{ $labels.datastore }} are still in use: the backups that use them cannot be restored as a whole.",
    value: "{{ $value }} chunks",
  });

const collectionFailed = (lab: Lab) =>
  alert({
    name: "GarbageCollectionFailed",
    expression: 'lab_pbs_gc_last_ok{job="node"} == 0',
    forSeconds: lab.hold(60),
    severity: "warning",
    area: "backup",
    summary: "Garbage collection did not end well.",
    description:
      "The last garbage collection of datastore {{ $labels.datastore }} failed or warned: what was pruned still takes its room.",
  });

function collectionOverdue(lab: Lab, { name, maximumCollectionAgeSeconds }: WatchedDatastore): Alert[] {
  if (maximumCollectionAgeSeconds === undefined) return [];
  const limit = siteLimit(lab.limit("serverJobAge"), maximumCollectionAgeSeconds);
  return [
    alert({
      name: "GarbageCollectionOverdue",
      expression: `time() - ${selector("lab_pbs_gc_last_end_timestamp_seconds", { job: "node", datastore: name })} > ${limit.value}`,
      limit,
      severity: "warning",
      area: "backup",
      summary: "Garbage was not collected in time.",
      description:
        "Garbage of datastore {{ $labels.datastore }} was last collected {{ $value | humanizeDuration }} ago: what was pruned still takes its room.",
      value: "{{ $value | humanizeDuration }}",
    }),
  ];
}

const jobFailed = (lab: Lab) =>
  alert({
    name: "BackupServerJobFailed",
    expression: 'lab_pbs_job_last_ok{job="node"} == 0',
    forSeconds: lab.hold(60),
    severity: "warning",
    area: "backup",
    summary: "A job of the backup server did not end well.",
    description:
      "The last run of the {{ $labels.type }} job {{ $labels.job_id }} on datastore {{ $labels.datastore }} failed or warned.",
  });

/** What the site says that there must be: a job that is gone fails no more. */
function jobStates(lab: Lab, { id, type, datastore, maximumAgeSeconds }: WatchedServerJob): Alert[] {
  const of = (metric: string) => selector(metric, { job: "node", job_id: id, type, datastore });
  const limit = siteLimit(lab.limit("serverJobAge"), maximumAgeSeconds ?? 0);
  return [
    alert({
      name: "BackupServerJobMissing",
      expression: `${of("lab_pbs_job_scheduled")} == 0 or absent(${of("lab_pbs_job_scheduled")}) and on () (lab_pbs_up{job="node"} == 1)`,
      forSeconds: lab.hold(3600),
      severity: "warning",
      area: "backup",
      summary: "A job of the backup server will not run.",
      description:
        "The {{ $labels.type }} job {{ $labels.job_id }} of datastore {{ $labels.datastore }} is not there, or has no schedule. Run `pulumi up`.",
      labels: { instance: lab.monitoringHost },
    }),
    ...(maximumAgeSeconds === undefined
      ? []
      : [
          alert({
            name: "BackupServerJobOverdue",
            expression: `time() - ${of("lab_pbs_job_last_end_timestamp_seconds")} > ${limit.value}`,
            limit,
            severity: "warning",
            area: "backup",
            summary: "A job of the backup server has not ended in time.",
            description:
              "The {{ $labels.type }} job {{ $labels.job_id }} of datastore {{ $labels.datastore }} last ended {{ $value | humanizeDuration }} ago.",
            value: "{{ $value | humanizeDuration }}",
          }),
        ]),
  ];
}

/** Jobs have alerts of their own; what is left is asked for by nodes and people. */
const tasksFailed = (lab: Lab) =>
  alert({
    name: "BackupServerTasksFailed",
    expression:
      'lab_pbs_tasks_failed{job="node",worker_type!~"garbage_collection|prunejob|syncjob|verificationjob"} > 0',
    forSeconds: lab.hold(60),
    severity: "warning",
    area: "backup",
    summary: "Tasks of the backup server have failed.",
    description:
      "{{ $value }} tasks of the kind {{ $labels.worker_type }} failed on the backup server within a day, as {{ $labels.instance }} reads.",
    value: "{{ $value }} tasks",
  });

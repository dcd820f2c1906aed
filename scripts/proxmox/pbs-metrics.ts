import type { Family } from "../metrics/family.ts";
import type { BackupServerTasks, Collections, Datastores, Jobs, Usages } from "./answers.ts";
import { gauge, outcomeOf, sample } from "./gauge.ts";

/** Room in datastores, and what they are closed for. */
export function datastoreFamilies(list: Datastores, usages: Usages, nowSeconds: number): Family[] {
  const of = (value: (usage: Usages[number]) => number | boolean | undefined) =>
    usages.map((usage) => sample({ datastore: usage.store }, value(usage)));
  return [
    gauge(
      "pbs_datastore_up",
      "Whether the datastore can be looked at.",
      of(({ error, total }) => error === undefined && total !== undefined),
    ),
    gauge(
      "pbs_datastore_total_bytes",
      "Size of the datastore's file system.",
      of(({ total }) => total),
    ),
    gauge(
      "pbs_datastore_used_bytes",
      "What is used of it.",
      of(({ used }) => used),
    ),
    gauge(
      "pbs_datastore_available_bytes",
      "What may still be written.",
      of(({ avail }) => avail),
    ),
    gauge(
      "pbs_datastore_estimated_full_timestamp_seconds",
      "When it is full if it goes on to grow as in the last month; none where it does not grow.",
      of((usage) => {
        const full = usage["estimated-full-date"];
        return full !== undefined && full > nowSeconds ? full : undefined;
      }),
    ),
    gauge(
      "pbs_datastore_maintenance",
      "Whether the datastore is in maintenance, and in which mode.",
      list.map(({ store, maintenance }) => {
        const mode = maintenanceMode(maintenance);
        return sample({ datastore: store, mode }, mode !== "none");
      }),
    ),
  ];
}

/** `type=offline,message="…"`, or the mode alone. */
function maintenanceMode(text: string | undefined): string {
  if (text === undefined || text === "") return "none";
  return /(?:^|,)(?:type=)?([a-z0-9-]+)(?:,|$)/.exec(text)?.[1] ?? "unknown";
}

/** Garbage collections, which give pruned space back. */
export function collectionFamilies(collections: Collections): Family[] {
  const of = (value: (collection: Collections[number]) => number | boolean | undefined) =>
    collections.map((collection) => sample({ datastore: collection.store }, value(collection)));
  // Before the first one all its figures are zeros that nobody has measured.
  const measured = (value: (collection: Collections[number]) => number | undefined) =>
    of((collection) => (collection["last-run-endtime"] === undefined ? undefined : value(collection)));
  return [
    gauge(
      "pbs_gc_last_end_timestamp_seconds",
      "When garbage collection last ended.",
      of((c) => c["last-run-endtime"]),
    ),
    gauge(
      "pbs_gc_last_duration_seconds",
      "How long it took.",
      measured((c) => c.duration),
    ),
    gauge(
      "pbs_gc_last_ok",
      "Whether it ended well.",
      of((c) => outcomeOf(c["last-run-state"])?.ok),
    ),
    gauge(
      "pbs_gc_last_warnings",
      "Its warnings.",
      of((c) => outcomeOf(c["last-run-state"])?.warnings),
    ),
    gauge(
      "pbs_gc_next_run_timestamp_seconds",
      "When it runs next.",
      of((c) => c["next-run"]),
    ),
    gauge(
      "pbs_gc_removed_bytes",
      "What it gave back.",
      measured((c) => c["removed-bytes"]),
    ),
    gauge(
      "pbs_gc_pending_bytes",
      "What the next one may give back.",
      measured((c) => c["pending-bytes"]),
    ),
    gauge(
      "pbs_gc_still_bad_chunks",
      "Damaged chunks that backups still use.",
      measured((c) => c["still-bad"]),
    ),
    gauge(
      "pbs_gc_disk_bytes",
      "What the chunks take on the disk.",
      measured((c) => c["disk-bytes"]),
    ),
    gauge(
      "pbs_gc_index_data_bytes",
      "What the backups would take without deduplication.",
      measured((c) => c["index-data-bytes"]),
    ),
  ];
}

export const jobTypes = ["prune", "verify", "sync"] as const;
type JobType = (typeof jobTypes)[number];

/** Jobs of the backup server with their last run. */
export function jobFamilies(jobs: readonly (Jobs[number] & { readonly type: JobType })[]): Family[] {
  const of = (value: (job: Jobs[number]) => number | boolean | undefined) =>
    jobs.map((job) => sample({ datastore: job.store, job_id: job.id, type: job.type }, value(job)));
  return [
    gauge(
      "pbs_job_scheduled",
      "Whether the job has a schedule and is not switched off.",
      of(({ schedule, disable }) => schedule !== undefined && disable !== true),
    ),
    gauge(
      "pbs_job_last_end_timestamp_seconds",
      "When the job last ended.",
      of((job) => job["last-run-endtime"]),
    ),
    gauge(
      "pbs_job_last_ok",
      "Whether it ended well and without a warning.",
      of((job) => outcomeOf(job["last-run-state"])?.ok),
    ),
    gauge(
      "pbs_job_last_warnings",
      "Its warnings.",
      of((job) => outcomeOf(job["last-run-state"])?.warnings),
    ),
    gauge(
      "pbs_job_next_run_timestamp_seconds",
      "When the job runs next.",
      of((job) => job["next-run"]),
    ),
  ];
}

/** Kinds of tasks that a rule may ask for: none of them failed is a zero, not an absence. */
const usualTasks = ["backup", "garbage_collection", "prunejob", "syncjob", "verificationjob"];

/** Tasks that failed, by kind. */
export function failedTaskFamilies(tasks: BackupServerTasks, sinceSeconds: number): Family[] {
  const failed = tasks.filter(
    ({ endtime, status }) =>
      endtime !== undefined && endtime >= sinceSeconds && status !== "OK" && !status?.startsWith("WARNINGS"),
  );
  const counts = new Map(usualTasks.map((type) => [type, 0]));
  for (const { worker_type: type } of failed) counts.set(type, (counts.get(type) ?? 0) + 1);
  return [
    gauge(
      "pbs_tasks_failed",
      "Tasks that ended in an error within the last 24 hours.",
      [...counts].map(([type, count]) => sample({ worker_type: type }, count)),
    ),
  ];
}

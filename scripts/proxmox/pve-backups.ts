import type { Family } from "../metrics/family.ts";
import type { ClusterTask } from "./answers.ts";
import { gauge, sample } from "./gauge.ts";
import type { Names } from "./names.ts";
import type { GuestBackup } from "./vzdump-log.ts";

/** The last backup of a guest, and the last that there is something to restore of. */
export interface LastBackup extends GuestBackup {
  /** Unix time in seconds. */
  readonly succeededAt?: number | undefined;
}

/** What is known of each guest's backups once more of them have ended. */
export function withBackups(known: readonly LastBackup[], ended: readonly GuestBackup[]): LastBackup[] {
  const last = new Map(known.map((backup) => [backup.vmid, backup]));
  for (const backup of ended.toSorted((a, b) => a.endedAt - b.endedAt)) {
    const before = last.get(backup.vmid);
    const succeeded = [before?.succeededAt, backup.finished ? backup.endedAt : undefined];
    const succeededAt = succeeded.reduce((a, b) => (a === undefined || (b ?? 0) > a ? b : a));
    const newest = before === undefined || backup.endedAt >= before.endedAt ? backup : before;
    last.set(backup.vmid, { ...newest, succeededAt });
  }
  return [...last.values()];
}

/** How each guest's last backup ended. */
export function backupFamilies(backups: readonly LastBackup[], names: Names): Family[] {
  const of = (value: (backup: LastBackup) => number | boolean | undefined) =>
    backups.map((backup) => sample({ guest: names.ofVmid(backup.vmid) }, value(backup)));
  return [
    gauge(
      "pve_backup_last_end_timestamp_seconds",
      "When the guest's last backup run ended.",
      of((b) => b.endedAt),
    ),
    gauge(
      "pve_backup_last_duration_seconds",
      "How long the guest's last backup run took.",
      of((b) => b.durationSeconds),
    ),
    gauge(
      "pve_backup_last_ok",
      "Whether the guest's last backup run ended well and without a warning.",
      of((b) => b.finished && b.warnings === 0),
    ),
    gauge(
      "pve_backup_last_warnings",
      "Warnings of the guest's last backup run.",
      of((b) => b.warnings),
    ),
    gauge(
      "pve_backup_last_success_timestamp_seconds",
      "When a backup of the guest was last made, warnings or not.",
      of((b) => b.succeededAt),
    ),
  ];
}

/** Since when backups run, by node; the oldest where there are several. */
export function runningFamilies(tasks: readonly (ClusterTask & { readonly node: string })[]): Family[] {
  const running = Map.groupBy(
    tasks.filter(({ endtime }) => endtime === undefined),
    ({ node }) => node,
  );
  return [
    gauge(
      "pve_backup_running_start_timestamp_seconds",
      "When the backup run that the node is working on began.",
      [...running].map(([node, list]) =>
        sample({ node }, Math.min(...list.map(({ starttime }) => starttime))),
      ),
    ),
  ];
}

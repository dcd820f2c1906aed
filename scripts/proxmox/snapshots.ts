import type { Family } from "../metrics/family.ts";
import type { Snapshot } from "./answers.ts";
import { gauge, sample } from "./gauge.ts";
import type { Names } from "./names.ts";

/** The backups in one namespace of a datastore. */
export interface Listed {
  readonly datastore: string;
  /** Empty for the root. */
  readonly namespace: string;
  readonly snapshots: readonly Snapshot[];
}

type State = "ok" | "failed" | "none";

interface Group {
  readonly labels: Readonly<Record<string, string>>;
  /** Newest first. */
  readonly snapshots: readonly Snapshot[];
  readonly newest: Snapshot;
}

/** What there is to restore of each guest, and whether it was verified. */
export function snapshotFamilies(listed: readonly Listed[], names: Names): Family[] {
  const groups = listed.flatMap((list) => groupsOf(list, names));
  const of = (value: (group: Group) => number | boolean | undefined) =>
    groups.map((group) => sample(group.labels, value(group)));
  const count = (wanted: (snapshot: Snapshot) => boolean) =>
    of(({ snapshots }) => snapshots.filter(wanted).length);
  const states: readonly State[] = ["ok", "failed", "none"];
  return [
    gauge(
      "pbs_snapshots",
      "Backups that there are of the guest.",
      count(() => true),
    ),
    gauge(
      "pbs_snapshots_protected",
      "Those that no pruning removes.",
      count((one) => one.protected),
    ),
    gauge(
      "pbs_snapshots_unverified",
      "Those that were never verified.",
      count((one) => stateOf(one) === "none"),
    ),
    gauge(
      "pbs_snapshots_failed",
      "Those whose last verification failed.",
      count((one) => stateOf(one) === "failed"),
    ),
    gauge(
      "pbs_snapshot_oldest_timestamp_seconds",
      "When the oldest backup was made.",
      of(({ snapshots }) => snapshots.at(-1)?.["backup-time"]),
    ),
    gauge(
      "pbs_snapshot_newest_timestamp_seconds",
      "When the newest backup was made.",
      of(({ newest }) => newest["backup-time"]),
    ),
    gauge(
      "pbs_snapshot_newest_size_bytes",
      "Size of what the newest backup holds.",
      of(({ newest }) => newest.size),
    ),
    gauge(
      "pbs_snapshot_newest_encrypted",
      "Whether the newest backup is encrypted.",
      of(({ newest }) => isEncrypted(newest)),
    ),
    gauge(
      "pbs_snapshot_newest_verification",
      "Which state the verification of the newest backup is in.",
      groups.flatMap(({ labels, newest }) =>
        states.map((state) => sample({ ...labels, state }, stateOf(newest) === state)),
      ),
    ),
    gauge(
      "pbs_snapshot_newest_verified_timestamp_seconds",
      "When the newest backup was made that is verified.",
      of(({ snapshots }) => snapshots.find((one) => stateOf(one) === "ok")?.["backup-time"]),
    ),
    gauge(
      "pbs_snapshot_last_verification_timestamp_seconds",
      "When the last verification of one of the backups began that found it good.",
      of(({ snapshots }) => {
        const times = snapshots.flatMap((one) => verifiedAt(one) ?? []);
        return times.length === 0 ? undefined : Math.max(...times);
      }),
    ),
  ];
}

function groupsOf({ datastore, namespace, snapshots }: Listed, names: Names): Group[] {
  const groups = Map.groupBy(snapshots.filter(isFinished), (one) =>
    names.ofBackup(one["backup-type"], one["backup-id"]),
  );
  return [...groups].flatMap(([guest, list]) => {
    const sorted = list.toSorted((a, b) => b["backup-time"] - a["backup-time"]);
    const [newest] = sorted;
    return newest === undefined
      ? []
      : [{ labels: { datastore, guest, namespace }, snapshots: sorted, newest }];
  });
}

/** One that is being made is listed as well; its manifest comes last. */
function isFinished({ files }: Snapshot): boolean {
  return files.some(({ filename }) => filename === "index.json.blob");
}

/** A backup whose manifest cannot be read has no size, and nothing can be restored of it. */
function stateOf({ verification, size }: Snapshot): State {
  return size === undefined ? "failed" : (verification?.state ?? "none");
}

function isEncrypted({ files }: Snapshot): boolean {
  return files.some((file) => file["crypt-mode"] === "encrypt");
}

/** The task's id tells when it began. */
function verifiedAt({ verification }: Snapshot): number | undefined {
  if (verification?.state !== "ok") return undefined;
  return Number.parseInt(verification.upid.split(":")[5] ?? "", 16) || undefined;
}

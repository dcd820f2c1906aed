import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import type { Family } from "../metrics/family.ts";
import type { Snapshot } from "./answers.ts";
import { keyEscrowFamily } from "./key-escrow.ts";
import { guestNames } from "./names.ts";
import { collectionFamilies, datastoreFamilies, failedTaskFamilies, jobFamilies } from "./pbs-metrics.ts";
import { backupFamilies, runningFamilies, withBackups } from "./pve-backups.ts";
import { backupJobFamilies, clusterFamilies, lockFamilies, resourceFamilies } from "./pve-metrics.ts";
import { snapshotFamilies } from "./snapshots.ts";
import { guestBackups } from "./vzdump-log.ts";

const names = guestNames({ "2002": "proj-pg01" });
const now = 1_800_000_000;

const values = (families: readonly Family[], name: string) =>
  families.find((family) => family.name === `lab_${name}`)?.samples.map(({ value }) => value);

const snapshot = (daysAgo: number, more: Partial<Snapshot> = {}): Snapshot => ({
  "backup-type": "vm",
  "backup-id": "2002",
  "backup-time": now - daysAgo * 86_400,
  size: 10,
  protected: false,
  files: [{ filename: "drive-scsi0.img.fidx", "crypt-mode": "none" }, { filename: "index.json.blob" }],
  ...more,
});
const verified = (state: "ok" | "failed", at: number) => ({
  state,
  upid: `UPID:pbs:00000001:00000001:00000001:${at.toString(16)}:verify:main:a@pbs:`,
});
const listed = (...snapshots: Snapshot[]) =>
  snapshotFamilies([{ datastore: "main", namespace: "critical", snapshots }], names);

test("a guest that the site does not know has the cluster's name, unless that would be a second one", () => {
  const all = guestNames({ "2002": "proj-pg01" }, [
    { vmid: 2002, name: "old-name" },
    { vmid: 2100, name: "proj-pg01" },
    { vmid: 2101, name: "twin" },
    { vmid: 2102, name: "twin" },
    { vmid: 2103, name: "spare" },
  ]);
  const shown = [2002, 2100, 2101, 2102, 2103, 2999].map((vmid) => all.ofVmid(vmid));
  expect(shown).toEqual(["proj-pg01", "vm/2100", "vm/2101", "vm/2102", "spare", "vm/2999"]);
  expect([all.ofBackup("vm", "2002"), all.ofBackup("ct", "2002"), all.ofBackup("vm", "2103")]).toEqual([
    "proj-pg01",
    "ct/2002",
    "vm/2103",
  ]);
});

const log = [
  "INFO: starting new backup job: vzdump 2002 2003 2004 2005 --mode snapshot",
  "INFO: skip external VMs: 2005",
  "INFO: Starting Backup of VM 2002 (qemu)",
  "INFO: Backup started at 2026-11-21 02:00:05",
  "WARN: old key",
  "INFO: Finished Backup of VM 2002 (00:10:00)",
  "INFO: Backup finished at 2026-11-21 02:10:05",
  "INFO: Starting Backup of VM 2003 (qemu)",
  "INFO: Backup started at 2026-11-21 02:10:05",
  "ERROR: Backup of VM 2003 failed - no space",
  "INFO: Failed at 2026-11-21 02:12:05",
];

test("of a run for many guests each has its own end", () => {
  const run = { id: "", starttime: now, endtime: now + 725, status: "job errors" };
  expect(guestBackups(run, log)).toEqual([
    { vmid: 2002, finished: true, warnings: 1, endedAt: now + 605, durationSeconds: 600 },
    { vmid: 2003, finished: false, warnings: 0, endedAt: now + 725, durationSeconds: 120 },
    { vmid: 2004, finished: false, warnings: 0, endedAt: now + 725, durationSeconds: 725 },
  ]);
});

test("a guest whose backup was cut off has none, and neither has one that was never begun", () => {
  const cut = { id: "2002", starttime: now, endtime: now + 60, status: "unexpected status" };
  const failed = { vmid: 2002, finished: false, warnings: 0, endedAt: now + 60, durationSeconds: 60 };
  expect(guestBackups(cut, log.slice(2, 4))).toEqual([failed]);
  expect(guestBackups(cut, ["TASK ERROR: storage is not online"])).toEqual([failed]);
});

test("the last success stays known while later runs fail, in whatever order they are read", () => {
  const at = (endedAt: number, finished: boolean) => ({
    ...{ vmid: 2002, warnings: 0, durationSeconds: 1 },
    finished,
    endedAt,
  });
  const known = withBackups([], [at(20, false), at(10, true)]);
  expect(known).toMatchObject([{ endedAt: 20, finished: false, succeededAt: 10 }]);
  expect(withBackups(known, [at(15, true)])).toMatchObject([{ endedAt: 20, succeededAt: 15 }]);
  expect(values(backupFamilies(known, names), "pve_backup_last_ok")).toEqual([0]);
  expect(values(backupFamilies([at(10, true)], names), "pve_backup_last_ok")).toEqual([1]);
});

test("a run with warnings made a backup, but did not go well", () => {
  const known = withBackups(
    [],
    [{ vmid: 2002, finished: true, warnings: 1, endedAt: now, durationSeconds: 1 }],
  );
  const families = backupFamilies(known, names);
  expect(values(families, "pve_backup_last_ok")).toEqual([0]);
  expect(values(families, "pve_backup_last_success_timestamp_seconds")).toEqual([now]);
});

test("the newest backup is told from the newest that is verified", () => {
  const families = listed(
    snapshot(2, { verification: verified("ok", now - 100) }),
    snapshot(1, { verification: verified("failed", now - 50) }),
    snapshot(3, { verification: verified("ok", now - 200), protected: true }),
    snapshot(4),
  );
  const newest = families.find(({ name }) => name === "lab_pbs_snapshot_newest_verification");
  expect(newest?.samples.filter(({ value }) => value === 1).map(({ labels }) => labels)).toEqual([
    { datastore: "main", guest: "proj-pg01", namespace: "critical", state: "failed" },
  ]);
  const day = 86_400;
  expect(values(families, "pbs_snapshot_newest_timestamp_seconds")).toEqual([now - day]);
  expect(values(families, "pbs_snapshot_newest_verified_timestamp_seconds")).toEqual([now - 2 * day]);
  expect(values(families, "pbs_snapshot_last_verification_timestamp_seconds")).toEqual([now - 100]);
  expect(values(families, "pbs_snapshot_oldest_timestamp_seconds")).toEqual([now - 4 * day]);
  for (const [name, count] of [
    ["", 4],
    ["_protected", 1],
    ["_unverified", 1],
    ["_failed", 1],
  ] as const)
    expect(values(families, `pbs_snapshots${name}`)).toEqual([count]);
});

test("a backup that is being made is none yet", () => {
  const unfinished = snapshot(0, { size: undefined, files: [{ filename: "drive-scsi0.img.fidx" }] });
  expect(listed(snapshot(1), unfinished)).toEqual(listed(snapshot(1)));
  expect(listed(unfinished).flatMap(({ samples }) => samples)).toEqual([]);
});

test("a backup whose manifest cannot be read counts as failed", () => {
  const families = listed(snapshot(1, { size: undefined }));
  expect(values(families, "pbs_snapshots_failed")).toEqual([1]);
  expect(values(families, "pbs_snapshot_newest_size_bytes")).toEqual([]);
});

const neverRun = {
  ...{ store: "main", "removed-bytes": 0, "pending-bytes": 0, "disk-bytes": 0, "index-data-bytes": 0 },
  "still-bad": 0,
};

test("a garbage collection that never ran has no figures", () => {
  const families = collectionFamilies([neverRun]);
  expect(families.flatMap(({ samples }) => samples)).toEqual([]);
  const ran = { ...neverRun, "last-run-endtime": now, "last-run-state": "WARNINGS: 2" };
  expect(values(collectionFamilies([ran]), "pbs_gc_last_ok")).toEqual([0]);
  expect(values(collectionFamilies([ran]), "pbs_gc_last_warnings")).toEqual([2]);
});

test.each([
  [undefined, "none"],
  ["read-only", "read-only"],
  ['type=offline,message="disk change"', "offline"],
])("maintenance %s is mode %s", (maintenance, mode) => {
  const families = datastoreFamilies([{ store: "main", maintenance }], [], now);
  const found = families.find(({ name }) => name === "lab_pbs_datastore_maintenance")?.samples;
  expect(found).toEqual([{ labels: { datastore: "main", mode }, value: Number(mode !== "none") }]);
});

test("a datastore that does not grow has no day on which it is full", () => {
  const at = (full: number) =>
    values(
      datastoreFamilies([], [{ store: "main", "estimated-full-date": full }], now),
      "pbs_datastore_estimated_full_timestamp_seconds",
    );
  expect([at(now + 10), at(now - 10)]).toEqual([[now + 10], []]);
});

test("only tasks that ended in an error since are counted", () => {
  const task = (endtime: number | undefined, status: string | undefined) => ({
    worker_type: "syncjob",
    endtime,
    status,
  });
  const tasks = [
    task(now, "no route"),
    task(now, "OK"),
    task(now, "WARNINGS: 1"),
    task(undefined, undefined),
  ];
  const [counted] = failedTaskFamilies([...tasks, task(now - 100, "old")], now - 10);
  expect(counted?.samples.find(({ labels }) => labels.worker_type === "syncjob")?.value).toBe(1);
});

test("a guest of a node that is off does not run, and its node has no figures", () => {
  const families = resourceFamilies(
    [
      { type: "node", node: "a", status: "offline", cpu: 0.5 },
      { type: "qemu", vmid: 2002, node: "a", status: "unknown", uptime: 5 },
    ],
    names,
  );
  expect(values(families, "pve_guest_running")).toEqual([0]);
  expect(values(families, "pve_guest_uptime_seconds")).toEqual([]);
  expect(values(families, "pve_node_cpu_ratio")).toEqual([]);
});

test("the catalogue that rules are checked by names every metric with its labels, and no other", async () => {
  const task = { upid: "UPID", id: "", starttime: now, node: "a" };
  const usage = { store: "main", total: 3, used: 1, avail: 2, "estimated-full-date": now + 1 };
  const ran = { "last-run-state": "OK", "last-run-endtime": now, "next-run": now, duration: 1 };
  const backup = { vmid: 2002, finished: true, warnings: 0, endedAt: now, durationSeconds: 1 };
  const resource = { node: "a", uptime: 1, cpu: 1, mem: 1, maxmem: 1, disk: 1, maxdisk: 1 };
  const families = [
    ...clusterFamilies([
      { type: "cluster", name: "lab", quorate: true },
      { type: "node", name: "a", online: true },
    ]),
    ...resourceFamilies(
      [
        { ...resource, type: "node", status: "online" },
        { ...resource, type: "qemu", vmid: 2002, status: "running" },
        { ...resource, type: "storage", storage: "local", status: "available" },
      ],
      names,
    ),
    ...lockFamilies([{ guest: "proj-pg01", lock: "backup", firstSeen: now }]),
    ...backupJobFamilies([{ id: "daily", "next-run": now }], [], [{ vmid: 2002 }], names),
    ...backupFamilies(withBackups([], [backup]), names),
    ...runningFamilies([task]),
    keyEscrowFamily({ "pbs-critical": now }),
    ...datastoreFamilies([{ store: "main" }], [usage], now),
    ...collectionFamilies([{ ...neverRun, ...ran }]),
    ...jobFamilies([{ id: "job", store: "main", schedule: "daily", ...ran, type: "sync" }]),
    ...failedTaskFamilies([], now),
    ...listed(snapshot(1, { verification: verified("ok", now) })),
  ];
  const file = new URL("../../alert-rules/metrics/proxmox.json", import.meta.url);
  const { metrics }: { metrics: Record<string, { labels: string[] }> } = JSON.parse(
    await readFile(file, "utf8"),
  );
  const found = Object.fromEntries(
    families.map(({ name, samples }) => [name, Object.keys(samples[0]?.labels ?? { none: "" }).toSorted()]),
  );
  // What each run says of itself; the test against servers sees it.
  const own = /^lab_(proxwatch_|(pve|pbs)_(up|part_success)$)/;
  const catalogued = Object.entries(metrics).filter(([name]) => !own.test(name));
  expect(found).toEqual(
    Object.fromEntries(catalogued.map(([name, { labels }]) => [name, labels.toSorted()])),
  );
});

test("the guide's tables name each metric of the catalogue, and no other", async () => {
  const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), "utf8");
  const { metrics }: { metrics: object } = JSON.parse(await read("alert-rules/metrics/proxmox.json"));
  const rows = (await read("docs/proxwatch.md")).split("\n").filter((line) => line.startsWith("| `lab_"));
  const documented = rows.flatMap((row) => (row.split(" | ")[0] ?? "").match(/lab_[a-z_]+/g) ?? []);
  expect(documented.toSorted()).toEqual(Object.keys(metrics).toSorted());
});

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { findTool } from "../tools/find.ts";
import { backupHost } from "./backup-host.ts";
import { labOf } from "./lab.ts";
import { renderRuleFile } from "./render.ts";
import { testInventory } from "./testing/inventory.ts";

const promtool = (await findTool("promtool"))?.path;
if (!promtool) console.warn("skipped: promtool is missing; ./lab doctor says how to get it");

const group = backupHost(labOf(testInventory));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lab-backup-host-rules-"));
  await writeFile(join(folder, "rules.yml"), renderRuleFile(group, testInventory));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A healthy server's series over eight hours; time begins at zero in these tests. */
const own = 'job="node",instance="pbs01"';
const disk = `${own},device="/dev/nvme0",model="M",serial="S"`;
const store = `${own},datastore="lab-backups"`;
const healthy = {
  [`lab_backup_host_datastore_mounted{${store}}`]: "1x100",
  [`lab_backup_host_datastore_size_bytes{${store}}`]: "100x100",
  [`lab_backup_host_datastore_available_bytes{${store}}`]: "50x100",
  [`lab_backup_host_disk_healthy{${disk}}`]: "1x100",
  [`lab_backup_host_disk_media_errors{${disk}}`]: "2x100",
  [`lab_backup_host_disk_wear_ratio{${disk}}`]: "0.4x100",
  [`node_edac_uncorrectable_errors_total{${own},controller="0"}`]: "0x100",
  [`node_timex_sync_status{${own}}`]: "1x100",
  [`node_systemd_unit_state{${own},name="proxmox-backup.service",state="active"}`]: "1x100",
  [`node_systemd_unit_state{${own},name="proxmox-backup-proxy.service",state="active"}`]: "1x100",
  [`lab_backup_host_repository_fetched{${own}}`]: "1x100",
  [`lab_backup_host_repository_enabled{${own},repository="enterprise"}`]: "1x100",
  [`lab_backup_host_subscription_active{${own}}`]: "1x100",
  [`lab_backup_host_checked_timestamp_seconds{${own}}`]: "0+300x100",
};

const changed = (name: string, values: string) =>
  Object.fromEntries(
    Object.entries(healthy).map(([key, value]) => [key, key.includes(name) ? values : value]),
  );
const without = (name: string) =>
  Object.fromEntries(Object.entries(healthy).filter(([key]) => !key.includes(name)));

const cases: readonly (readonly [string, Readonly<Record<string, string>>, readonly string[]])[] = [
  ["nothing wrong", healthy, []],
  ["a disk that is not mounted", changed("mounted", "0x100"), ["DatastoreNotMounted critical"]],
  ["80 % used", changed("available", "20x100"), ["DatastoreFillsUp warning"]],
  ["90 % used", changed("available", "10x100"), ["DatastoreFillsUp critical", "DatastoreFillsUp warning"]],
  ["a disk that says so", changed("healthy", "0x100"), ["BackupDiskFailing critical"]],
  ["a new media error", changed("media_errors", "2x90 3x10"), ["BackupDiskFailing critical"]],
  ["memory errors", changed("edac", "0x92 1x8"), ["BackupHostMemoryErrors critical"]],
  ["a free-running clock", changed("timex", "0x100"), ["BackupHostClockUnsynchronised warning"]],
  ["a dead proxy", changed("backup-proxy", "0x100"), ["BackupServiceDown critical"]],
  [
    "no subscription for the enterprise source",
    changed("subscription", "0x100"),
    ["BackupServerGetsNoUpdates warning"],
  ],
  ["no answering source", changed("fetched", "0x100"), ["BackupServerGetsNoUpdates warning"]],
  ["checks that stopped", changed("checked", "0x100"), ["BackupHostUnwatched warning"]],
  ["checks that never ran", without("checked"), ["BackupHostUnwatched warning"]],
];

describe.skipIf(!promtool)("alerts on the backup server's host", () => {
  it("are none where it is not watched", () => {
    const { backupHost: _, ...unwatched } = testInventory;
    expect(backupHost(labOf(unwatched)).rules).toEqual([]);
  });

  it("fire for what is wrong and nothing else", async () => {
    const test = {
      rule_files: ["rules.yml"],
      evaluation_interval: "5m",
      tests: cases.map(([name, series, alerts]) => ({
        name,
        interval: "5m",
        input_series: Object.entries(series).map(([key, values]) => ({ series: key, values })),
        promql_expr_test: [
          {
            expr: 'count by (alertname, severity) (ALERTS{alertstate="firing"})',
            eval_time: "8h",
            exp_samples: alerts.map((alert) => {
              const [alertname, severity] = alert.split(" ");
              return { labels: `{alertname="${alertname}",severity="${severity}"}`, value: 1 };
            }),
          },
        ],
      })),
    };
    await writeFile(join(folder, "test.yml"), stringify(test));
    const argv = ["test", "rules", join(folder, "test.yml")];
    const { exitCode, all } = await execa(promtool ?? "", argv, { all: true, reject: false });
    expect(exitCode === 0 ? "" : all).toBe("");
  }, 60_000);
});

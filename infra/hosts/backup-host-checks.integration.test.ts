import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, it } from "vitest";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lab-backup-host-"));
  for (const name of ["bin", "sources", "lists"]) await mkdir(join(folder, name));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A program that answers with a JSON text, by its first argument. */
async function answering(name: string, exitCode: number, answers: Readonly<Record<string, object>>) {
  const cases = Object.entries(answers).map(
    ([first, answer]) => `${first}) printf '%s' '${JSON.stringify(answer)}';;`,
  );
  const path = join(folder, "bin", name);
  await writeFile(path, `#!/bin/sh\ncase "$1" in ${cases.join(" ")} esac\nexit ${exitCode}\n`);
  await chmod(path, 0o755);
}

async function metrics(datastores: Readonly<Record<string, string>>): Promise<string[]> {
  const configuration = { datastores, aptSources: join(folder, "sources"), aptLists: join(folder, "lists") };
  await writeFile(join(folder, "configuration"), JSON.stringify(configuration));
  const program = new URL("backup-host-checks.py", import.meta.url).pathname;
  const argv = ["-I", "-B", program, join(folder, "configuration"), join(folder, "metrics")];
  await execa("/usr/bin/python3", argv, { env: { PATH: join(folder, "bin") }, extendEnv: false });
  const text = await readFile(join(folder, "metrics"), "utf8");
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

it("tells how disks are, whatever smartctl's exit status, and what a disk does not say is left out", async () => {
  await answering("smartctl", 4, {
    "--scan": { devices: [{ name: "/dev/nvme0", type: "nvme" }] },
    "--json": {
      model_name: 'A "fast" disk',
      serial_number: "S1",
      smart_status: { passed: false },
      temperature: { current: 41 },
      nvme_smart_health_information_log: { percentage_used: 7, media_errors: 3 },
    },
  });
  const labels = '{device="/dev/nvme0",model="A \\"fast\\" disk",serial="S1"}';
  expect(await metrics({})).toEqual(
    expect.arrayContaining([
      "lab_backup_host_disks 1",
      `lab_backup_host_disk_healthy${labels} 0`,
      `lab_backup_host_disk_temperature_celsius${labels} 41`,
      `lab_backup_host_disk_wear_ratio${labels} 0.07`,
      `lab_backup_host_disk_media_errors${labels} 3`,
    ]),
  );
  await answering("smartctl", 0, {
    "--scan": { devices: [{ name: "/dev/sda", type: "sat" }] },
    "--json": {},
  });
  expect((await metrics({})).filter((line) => line.includes("disk_"))).toEqual([]);
});

it("tells a datastore on a disk of its own from a folder on the system's disk and from nothing", async () => {
  const lines = await metrics({ own: "/proc", missing: "/mnt/no-such-datastore", system: "/etc" });
  expect(lines.filter((line) => line.includes("datastore_mounted"))).toEqual([
    'lab_backup_host_datastore_mounted{datastore="own"} 1',
    'lab_backup_host_datastore_mounted{datastore="missing"} 0',
    'lab_backup_host_datastore_mounted{datastore="system"} 0',
  ]);
  expect(lines.join("\n")).toMatch(/datastore_available_bytes\{datastore="system"\} [1-9]/);
});

it("tells which package sources are enabled, whether one answered, and whether there is a subscription", async () => {
  const source = (name: string, text: string) => writeFile(join(folder, "sources", name), text);
  await source("old.list", "# deb https://enterprise.proxmox.com/debian/pbs bookworm pbs-enterprise\n");
  await source(
    "a.sources",
    "Types: deb\nComponents: pbs-no-subscription\n\nEnabled: no\nComponents: pbs-test\n",
  );
  await answering("proxmox-backup-manager", 0, { subscription: { status: "notfound" } });
  const about = (lines: string[]) => lines.filter((line) => /repository|subscription/.test(line));
  expect(about(await metrics({}))).toEqual([
    'lab_backup_host_repository_enabled{repository="enterprise"} 0',
    'lab_backup_host_repository_enabled{repository="no-subscription"} 1',
    'lab_backup_host_repository_enabled{repository="test"} 0',
    "lab_backup_host_repository_fetched 0",
    "lab_backup_host_subscription_active 0",
  ]);
  await writeFile(join(folder, "lists", "download.proxmox.com_debian_pbs_dists_bookworm_InRelease"), "");
  await answering("proxmox-backup-manager", 0, { subscription: { status: "active" } });
  expect(about(await metrics({})).slice(-2)).toEqual([
    "lab_backup_host_repository_fetched 1",
    "lab_backup_host_subscription_active 1",
  ]);
});

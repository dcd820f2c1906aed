import { randomBytes } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { listBackups, openBackup, readBackup, type SnapshotId } from "./backup-client.ts";
import { openTestServer, streamOf, type TestServer } from "./testing.ts";

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn("skipped: a small disk can be mounted by root alone");

const at = (day: number): SnapshotId => ({ type: "vm", id: "100", time: 1_770_000_000 + day * 86_400 });
const archive = "drive-scsi0.img.fidx";
const mebibyte = 1 << 20;

describe.skipIf(!isRoot)("a datastore on a disk of 16 MiB", () => {
  let server: TestServer;
  let disk: string;
  let root: string;

  beforeEach(async () => {
    server = await openTestServer();
    disk = join(server.folder, "pbs/root/mnt");
    await mkdir(disk, { recursive: true });
    await execa("mount", ["-t", "tmpfs", "-o", "size=16m", "lab-small-disk", disk]);
    root = await server.datastore("vms");
  });
  afterEach(async () => {
    await execa("umount", [disk]);
    await server.close();
  });

  async function backup(snapshot: SnapshotId, content: Buffer): Promise<void> {
    const session = await openBackup(server.target("vms"), snapshot);
    try {
      await session.upload(archive, streamOf(content));
      await session.finish();
    } catch (error) {
      await session.abort();
      throw error;
    }
  }
  const times = async () => (await listBackups(server.target("vms"))).map(({ time }) => time);
  const lastBackup = async () => {
    const task = server.simulator.tasks.list().find(({ worker_type }) => worker_type === "backup");
    await server.simulator.tasks.ended(task?.upid ?? "");
    return {
      status: task?.status,
      log: (await server.simulator.tasks.logLines(task?.upid ?? "")).join("\n"),
    };
  };

  it("refuses a backup that does not fit, lists nothing of it, and takes one that does", async () => {
    const first = randomBytes(6 * mebibyte);
    await backup(at(0), first);
    await expect(backup(at(1), randomBytes(20 * mebibyte))).rejects.toThrow(
      /^inserting chunk on store 'vms' failed for [0-9a-f]{64} - No space left on device \(os error 28\)$/,
    );
    expect(await times()).toEqual([at(0).time]);
    const { status, log } = await lastBackup();
    expect(status).toBe("backup ended but finished flag is not set.");
    expect(log).toContain("No space left on device (os error 28)");
    expect(log).toContain("removing unfinished backup");
    // What was sent belongs to no backup, and goes when it is old enough for the next garbage collection.
    await server.call("PUT", "/config/datastore/vms", { tuning: "gc-atime-cutoff=1" });
    await execa("find", [
      join(root, ".chunks"),
      "-type",
      "f",
      "-exec",
      "touch",
      "-a",
      "-d",
      "1 hour ago",
      "{}",
      "+",
    ]);
    expect(await server.task("POST", "/admin/datastore/vms/gc")).toMatchObject({ status: "OK" });
    await backup(at(2), first);
    expect(await times()).toEqual([at(2).time, at(0).time]);
  });

  it("gives back what it has while it is full, and begins nothing", async () => {
    const content = randomBytes(5 * mebibyte);
    await backup(at(0), content);
    const filler = join(root, "filler");
    await writeFile(filler, randomBytes(16 * mebibyte)).catch(() => undefined);
    await expect(backup(at(1), content)).rejects.toThrow("No space left on device (os error 28)");
    const parts: Uint8Array[] = [];
    for await (const part of await readBackup(server.target("vms"), at(0), archive)) parts.push(part);
    expect(Buffer.concat(parts).equals(content)).toBe(true);
    expect(await times()).toEqual([at(0).time]);
    await rm(filler);
    await backup(at(1), content);
    expect(await times()).toEqual([at(1).time, at(0).time]);
  });
});

import { randomBytes } from "node:crypto";
import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { chunkBytes } from "./archive.ts";
import {
  type BackupTarget,
  deleteBackup,
  listBackups,
  openBackup,
  protectBackup,
  readBackup,
  readNotes,
  type SnapshotId,
  writeNotes,
} from "./backup-client.ts";
import { type Login, openTestServer, streamOf, type TestServer } from "./testing.ts";

let server: TestServer;
let root: string;
let target: BackupTarget;

beforeEach(async () => {
  server = await openTestServer();
  root = await server.datastore("vms");
  target = server.target("vms");
});
afterEach(() => server.close());

const at = (day: number): SnapshotId => ({ type: "ct", id: "100", time: 1_770_000_000 + day * 86_400 });
const archive = "root.pxar.didx";

async function backup(
  to: BackupTarget,
  snapshot: SnapshotId,
  ...content: readonly (string | Uint8Array)[]
): Promise<{ size: number; reusedBytes: number }> {
  const session = await openBackup(to, snapshot);
  const uploaded = await session.upload(archive, streamOf(...content));
  await session.finish();
  return uploaded;
}

async function contentOf(from: BackupTarget, snapshot: SnapshotId, filename = archive): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of await readBackup(from, snapshot, filename)) parts.push(part);
  return Buffer.concat(parts);
}

async function chunks(): Promise<string[]> {
  const entries = await readdir(join(root, ".chunks"), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** Three chunks, the last one short. */
const content = () => randomBytes(2 * chunkBytes + 1000);

describe("a backup", () => {
  it("gives back what it was given, with its notes, size and owner", async () => {
    const given = content();
    const session = await openBackup(target, at(0));
    await session.upload(archive, streamOf(given.subarray(0, 5), given.subarray(5)));
    await session.upload("lxc.conf.blob", streamOf("cores: 2\n"));
    await session.finish({ notes: "lab-db\nprimary" });

    expect((await contentOf(target, at(0))).equals(given)).toBe(true);
    expect((await contentOf(target, at(0), "lxc.conf.blob")).toString()).toBe("cores: 2\n");
    expect(await listBackups(target)).toEqual([
      {
        ...at(0),
        owner: "root@pam!admin",
        protected: false,
        comment: "lab-db",
        size: expect.any(Number),
        files: expect.arrayContaining([
          { filename: archive, size: given.length, "crypt-mode": "none" },
          { filename: "lxc.conf.blob", size: 9, "crypt-mode": "none" },
        ]),
      },
    ]);
    expect(await chunks()).toHaveLength(3);
  });

  it("sends only what the group's last backup does not hold", async () => {
    const given = content();
    expect(await backup(target, at(0), given)).toEqual({ size: given.length, reusedBytes: 0 });
    given.write("changed", chunkBytes);
    expect(await backup(target, at(1), given)).toEqual({
      size: given.length,
      reusedBytes: given.length - chunkBytes,
    });
    expect(await chunks()).toHaveLength(4);
    expect((await contentOf(target, at(1))).equals(given)).toBe(true);
  });

  it("keeps a chunk of several groups once, and marks it as used", async () => {
    await backup(target, at(0), "the same");
    const [path = ""] = await chunks();
    const before = await stat(path);
    await backup(target, { ...at(0), id: "101" }, "the same");
    expect(await chunks()).toEqual([path]);
    expect((await stat(path)).atimeMs).toBeGreaterThan(before.atimeMs);
  });

  it("sends everything anew after a failed verification", async () => {
    await backup(target, at(0), "good");
    const manifest = join(root, "ct/100", "2026-02-02T02:40:00Z", "index.json.blob");
    const read = JSON.parse(await readFile(manifest, "utf8"));
    read.unprotected.verify_state = { state: "failed", upid: "UPID:x" };
    await writeFile(manifest, JSON.stringify(read));
    const [path = ""] = await chunks();
    await writeFile(path, "evil!");
    expect(await backup(target, at(1), "good")).toEqual({ size: 4, reusedBytes: 0 });
    expect(await readFile(path, "utf8")).toBe("good");
  });

  it("may be empty of content", async () => {
    expect(await backup(target, at(0))).toEqual({ size: 0, reusedBytes: 0 });
    expect(await contentOf(target, at(0))).toHaveLength(0);
  });

  it("goes to a namespace", async () => {
    await server.call("POST", "/admin/datastore/vms/namespace", { name: "lab" });
    const there = { ...target, namespace: "lab" };
    await backup(there, at(0), "x");
    expect(await listBackups(there, { type: "ct", id: "100" })).toHaveLength(1);
    expect(await listBackups(there, { id: "101" })).toEqual([]);
    expect(await listBackups(target)).toEqual([]);
    await expect(openBackup({ ...target, namespace: "other" }, at(1))).rejects.toThrow("namespace not found");
  });

  it("has notes and protection, and can be deleted", async () => {
    await backup(target, at(0), "x");
    await writeNotes(target, at(0), "keep this\nas it is the last one");
    expect(await readNotes(target, at(0))).toBe("keep this\nas it is the last one");
    await protectBackup(target, at(0), true);
    expect(await listBackups(target)).toMatchObject([{ protected: true, comment: "keep this" }]);
    await expect(deleteBackup(target, at(0))).rejects.toThrow(
      "cannot remove protected snapshot ct/100/2026-02-02T02:40:00Z",
    );
    await protectBackup(target, at(0), false);
    await deleteBackup(target, at(0));
    expect(await listBackups(target)).toEqual([]);
  });

  it("is a task with a log", async () => {
    await backup(target, at(0), "x");
    await server.simulator.tasks.idle();
    const [task] = server.simulator.tasks.list();
    expect(task).toMatchObject({ worker_type: "backup", worker_id: "vms:ct/100", status: "OK" });
    const log = (await server.simulator.tasks.logLines(task?.upid ?? "")).join("\n");
    expect(log).toMatch(/starting new backup on datastore 'vms': "ct\/100\/2026-02-02T02:40:00Z"/);
    expect(log).toMatch(/successfully finished backup\n.*backup finished successfully\n.*TASK OK$/);
  });
});

describe("a backup that is cut off", () => {
  const nothing = async () => {
    await server.simulator.tasks.idle();
    expect(await listBackups(target)).toEqual([]);
    expect((await readdir(join(root, "ct/100"))).toSorted()).toEqual(["owner"]);
  };

  it("leaves nothing when it is aborted", async () => {
    const session = await openBackup(target, at(0));
    await session.upload(archive, streamOf("x"));
    await session.abort();
    await nothing();
    expect(server.simulator.tasks.list()[0]?.status).toBe("backup ended but finished flag is not set.");
    await backup(target, at(0), "again");
  });

  it("leaves nothing when a chunk cannot be sent", async () => {
    const session = await openBackup(target, at(0));
    server.simulator.faults.add({ path: "/sim/backup/*/chunk/**", times: 1, drop: "half" });
    await expect(session.upload(archive, streamOf(content()))).rejects.toThrow();
    await session.abort();
    await nothing();
  });

  it("leaves nothing when its source fails", async () => {
    const session = await openBackup(target, at(0));
    const source = (async function* () {
      yield content();
      throw new Error("tar ended with 2");
    })();
    await expect(session.upload(archive, source)).rejects.toThrow("tar ended with 2");
    await session.abort();
    await nothing();
  });

  it("leaves nothing when its task is stopped", async () => {
    const session = await openBackup(target, at(0));
    const [task] = server.simulator.tasks.list();
    await server.call("DELETE", `/nodes/localhost/tasks/${encodeURIComponent(task?.upid ?? "")}`);
    await nothing();
    await expect(session.upload(archive, streamOf("x"))).rejects.toThrow();
    await session.abort();
  });

  it("leaves nothing when the server stops and starts again", async () => {
    const session = await openBackup(target, at(0));
    await session.upload(archive, streamOf("x"));
    server = await server.restart();
    target = server.target("vms");
    await expect(session.finish()).rejects.toThrow();
    await session.abort();
    await nothing();
  });
});

describe("who may", () => {
  let nodes: Login;
  beforeEach(async () => {
    nodes = await server.token("nodes@pbs", "DatastoreBackup", "/datastore/vms");
  });

  it("write and read its own backups, with Datastore.Backup", async () => {
    await backup(server.target("vms", nodes), at(0), "mine");
    expect((await contentOf(server.target("vms", nodes), at(0))).toString()).toBe("mine");
    expect(await listBackups(server.target("vms", nodes))).toMatchObject([{ owner: "nodes@pbs!t" }]);
    await expect(deleteBackup(server.target("vms", nodes), at(0))).rejects.toThrow(
      "permission check failed - missing Datastore.Modify|Datastore.Prune on /datastore/vms",
    );
  });

  it("not write to a group of somebody else, nor see or read it", async () => {
    await backup(target, at(0), "theirs");
    const mine = server.target("vms", nodes);
    await expect(openBackup(mine, at(1))).rejects.toThrow(
      "backup owner check failed (nodes@pbs!t != root@pam!admin)",
    );
    expect(await listBackups(mine)).toEqual([]);
    await expect(contentOf(mine, at(0))).rejects.toThrow(/backup owner check failed/);
  });

  it("read everybody's, but not write, with Datastore.Read", async () => {
    await backup(target, at(0), "theirs");
    const reader = server.target(
      "vms",
      await server.token("reader@pbs", "DatastoreReader", "/datastore/vms"),
    );
    expect((await contentOf(reader, at(0))).toString()).toBe("theirs");
    await expect(openBackup(reader, at(1))).rejects.toThrow(
      "permission check failed - missing Datastore.Backup on /datastore/vms",
    );
  });

  it("not write while the datastore is under maintenance", async () => {
    await backup(target, at(0), "x");
    await server.call("PUT", "/config/datastore/vms", {
      "maintenance-mode": 'type=read-only,message="moving"',
    });
    await expect(openBackup(target, at(1))).rejects.toThrow(
      "datastore 'vms' is unavailable: read-only maintenance mode: moving",
    );
    expect((await contentOf(target, at(0))).toString()).toBe("x");
    await server.call("PUT", "/config/datastore/vms", { "maintenance-mode": "offline" });
    await expect(contentOf(target, at(0))).rejects.toThrow(/offline maintenance mode/);
  });
});

describe("what is refused", () => {
  it("a time that is not later, and a second backup of a group at a time", async () => {
    await backup(target, at(1), "x");
    await expect(openBackup(target, at(1))).rejects.toThrow("backup timestamp is older than last backup.");
    const first = await openBackup(target, at(2));
    await expect(openBackup(target, at(3))).rejects.toThrow(/unable to acquire lock on group 'ct\/100'/);
    await first.abort();
    await (await openBackup(target, at(3))).abort();
  });

  it("a file without one of the product's endings, and a backup without a file", async () => {
    const session = await openBackup(target, at(0));
    await expect(session.upload("root.tar", streamOf("x"))).rejects.toThrow(
      "wrong archive extension: 'root.tar'",
    );
    await expect(session.finish()).rejects.toThrow("backup contains no data");
    await session.abort();
  });

  it("a server with another certificate", async () => {
    const wrong = { ...target, fingerprint: "00:".repeat(31).concat("00") };
    await expect(openBackup(wrong, at(0))).rejects.toThrow(/has the fingerprint .* not 00:00/);
  });
});

describe("encrypted backups", () => {
  const key = randomBytes(32);
  const secret = () => ({ ...target, encryptionKey: key });

  it("are unreadable to the server, deduplicated, and read with the key alone", async () => {
    const given = Buffer.concat([content(), Buffer.from("void catalogue")]);
    await backup(secret(), at(0), given);
    for (const path of await chunks()) expect((await readFile(path)).includes("void catalogue")).toBe(false);
    expect(await backup(secret(), at(1), given)).toEqual({ size: given.length, reusedBytes: given.length });
    expect((await contentOf(secret(), at(1))).equals(given)).toBe(true);
    expect(await listBackups(target)).toMatchObject([
      { fingerprint: expect.stringMatching(/^([0-9a-f]{2}:){31}[0-9a-f]{2}$/) },
      {},
    ]);
    await expect(contentOf(target, at(0))).rejects.toThrow(/missing key - manifest was created with key/);
    await expect(contentOf({ ...target, encryptionKey: randomBytes(32) }, at(0))).rejects.toThrow(
      /wrong key/,
    );
  });

  it("are refused when their manifest was changed", async () => {
    await backup(secret(), at(0), "x");
    const path = join(root, "ct/100/2026-02-02T02:40:00Z/index.json.blob");
    await writeFile(path, (await readFile(path, "utf8")).replace('"size": 1', '"size": 2'));
    await expect(contentOf(secret(), at(0))).rejects.toThrow(/wrong signature/);
  });
});

describe("reading", () => {
  it("fails on a missing and on a damaged chunk", async () => {
    await backup(target, at(0), "some content");
    const [path = ""] = await chunks();
    await writeFile(path, "other content");
    await expect(contentOf(target, at(0))).rejects.toThrow(/chunk [0-9a-f]{64} is damaged/);
    await rm(path);
    await expect(contentOf(target, at(0))).rejects.toThrow(/chunk [0-9a-f]{64} is missing/);
  });

  it("fails when it is cut off", async () => {
    const given = content();
    await backup(target, at(0), given);
    server.simulator.faults.add({ path: "/sim/reader/chunks", times: 1, drop: "half" });
    await expect(contentOf(target, at(0))).rejects.toThrow();
    expect((await contentOf(target, at(0))).equals(given)).toBe(true);
  });

  it("names a backup and a file that are not there", async () => {
    await backup(target, at(0), "x");
    await expect(contentOf(target, at(1))).rejects.toThrow(
      "snapshot ct/100/2026-02-03T02:40:00Z does not exist.",
    );
    await expect(contentOf(target, at(0), "x.didx")).rejects.toThrow(
      "ct/100/2026-02-02T02:40:00Z has no x.didx",
    );
  });
});

import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findMotoServer } from "../../rehearsal/s3/testing.ts";
import { readManifest } from "../../scripts/runs/manifest.ts";
import { textIfThere } from "../../scripts/system/files.ts";
import { acquireLock } from "../../scripts/system/lock.ts";
import { until } from "../../scripts/testing/wait.ts";
import { contentOf, expectDone, id, later, listOf, same, small, useArchive } from "./archive-suite.ts";
import { makeHost, makeRun, mixed } from "./archive-world.ts";

const motoServer = await findMotoServer();
if (!motoServer) console.warn("skipped: moto_server is missing; ./lab doctor names the way");

describe.skipIf(!motoServer)("dbkeeper archive", { timeout: 60_000 }, () => {
  const suite = useArchive(motoServer ?? "");

  it("brings a run there and back over TLS, with no rights but a writer's and a reader's", async () => {
    const archive = { bucket: "dumps", endpoint: suite.aws.url };
    const host = suite.own(await makeHost({ archive, ...suite.users }));
    const caFile = join(host.folder, "ca.pem");
    await writeFile(caFile, suite.aws.authority.certPem);
    await host.configure({ caFile, prefix: "proj-pg01/tls" });
    await makeRun(host, id, mixed);
    const before = await contentOf(host);
    const outputs = [await expectDone(host, "archive"), await expectDone(host, "archive", "verify", "--all")];
    const { offsite } = await readManifest(join(host.runs, id));
    expect(offsite?.objects?.map(({ key, partBytes }) => [key.split("/").at(-1), partBytes])).toEqual([
      ["large.dump", 5 * 1024 ** 2],
      ["files.tar", null],
    ]);
    await rm(join(host.runs, id), { recursive: true });
    expect(await listOf(host)).toMatchObject([
      { run: id, objects: 2, storageClasses: ["STANDARD"], state: "readable", problem: null },
    ]);
    const days = (Date.parse(offsite?.lockedUntil ?? "") - Date.now()) / 86_400_000;
    expect(Math.round(days)).toBe(30);
    outputs.push(await expectDone(host, "archive", "restore", id));
    expect(same(await contentOf(host), before)).toBe(true);
    expect((await readManifest(join(host.runs, id))).offsite?.retrievedAt).toBeDefined();
    expect(await expectDone(host, "archive", "restore", id)).toContain("is here already");
    expect(await expectDone(host, "archive")).toContain("is already at");
    for (const secret of [suite.users.writer.secretAccessKey, suite.users.reader.secretAccessKey]) {
      expect(outputs.join("\n")).not.toContain(secret);
    }
  });

  it.each([
    ["a key that nobody has", { accessKeyId: "AKIANOBODY", secretAccessKey: "hunter2" }],
    ["a reader's key", undefined],
  ])("refuses to go on with %s, and shows no secret", async (_, writer) => {
    const given = writer ?? suite.users.reader;
    const host = await suite.newHost({ writer: given });
    await makeRun(host, id, small);
    const { code, output } = await host.run("archive");
    expect(code).toBe(7);
    expect(output).toMatch(/(InvalidAccessKeyId|AccessDenied).*check the credentials file/);
    expect(output).not.toContain(given.secretAccessKey);
    expect((await readManifest(join(host.runs, id))).offsite).toBeNull();
  });

  it("asks for a lock only where it is told to, and is refused by a bucket that has none", async () => {
    const host = await suite.newHost({ ...suite.users, writer: suite.aws.root });
    await makeRun(host, id, small);
    await host.configure({
      prefix: "proj-pg01/lock",
      bucket: "unlocked",
      lock: { mode: "GOVERNANCE", days: 60 },
    });
    expect(await host.run("archive")).toMatchObject({ code: 7 });
    await host.configure({ prefix: "proj-pg01/lock", lock: { mode: "GOVERNANCE", days: 60 } });
    await expectDone(host, "archive");
    const [locked] = await listOf(host);
    const days = (Date.parse(locked?.lockedUntil ?? "") - Date.now()) / 86_400_000;
    expect(Math.round(days)).toBe(60);
    expect((await readManifest(join(host.runs, id))).offsite?.lockedUntil?.slice(0, 10)).toBe(
      locked?.lockedUntil?.slice(0, 10),
    );
    await makeRun(host, later, small);
    await host.configure({ prefix: "proj-pg01/lock", bucket: "unlocked" });
    await expectDone(host, "archive");
    expect(await listOf(host)).toMatchObject([{ run: later, lockedUntil: null }]);
  });

  it("sends beside a dump, and waits for it only to write down that everything is there", async () => {
    const host = await suite.newHost();
    await makeRun(host, id, mixed);
    const dump = await acquireLock(join(host.runs, "../../.dbkeeper-pg01.lock"), "dump");
    const archiving = host.run("archive", "--all");
    const state = join(host.runs, `.${id}.upload.json`);
    const isSent = async () => (await textIfThere(state)).match(/"done":{/g)?.length === 2;
    await until("everything to be there", isSent);
    expect(await host.run("archive")).toMatchObject({ code: 4 });
    expect(suite.gate.seen.filter((one) => one.includes("manifest"))).toEqual([]);
    await dump.release();
    const { code, output } = await archiving;
    expect(code, output).toBe(0);
    expect((await readManifest(join(host.runs, id))).offsite?.objects).toHaveLength(2);
  });

  it("sends the newest first, and every good run though one is damaged", async () => {
    const host = await suite.newHost();
    for (const run of [id, later]) await makeRun(host, run, small);
    await writeFile(join(host.runs, later, "some.dump"), Buffer.alloc(300_000));
    const outcome = await host.run("archive", "--all");
    expect(outcome).toMatchObject({ code: 6, output: expect.stringContaining("some.dump has changed") });
    expect((await readManifest(join(host.runs, id))).offsite).not.toBeNull();
    expect((await readManifest(join(host.runs, later))).offsite).toBeNull();
    await makeRun(host, later, small);
    suite.gate.seen.length = 0;
    await expectDone(host, "archive", "--all");
    expect(suite.gate.seen.every((one) => one.includes(later))).toBe(true);
  });
});

import { cp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DeleteObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { execa, execaSync } from "execa";
import { afterEach, describe, expect, it } from "vitest";
import { findMotoServer } from "../../rehearsal/s3/testing.ts";
import { readManifest } from "../../scripts/runs/manifest.ts";
import { until } from "../../scripts/testing/wait.ts";
import { contentOf, expectDone, id, later, listOf, same, small, useArchive } from "./archive-suite.ts";
import { makeRun, mixed } from "./archive-world.ts";

const motoServer = await findMotoServer();
if (!motoServer) console.warn("skipped: moto_server is missing; ./lab doctor names the way");

describe.skipIf(!motoServer)("dbkeeper archive restore", { timeout: 60_000 }, () => {
  let mounted: string | undefined;
  // Before the folders of the hosts go, and with them the mount's.
  const suite = useArchive(motoServer ?? "");
  afterEach(async () => {
    if (mounted !== undefined) await execa("umount", [mounted]);
    mounted = undefined;
  });

  it("restores from Glacier: says when, waits when told to, and asks only once", async () => {
    const host = await suite.newHost({ reader: suite.users.reader });
    await host.configure({ prefix: "proj-pg01/cold", storageClass: "GLACIER" });
    await makeRun(host, id, mixed);
    await expectDone(host, "archive");
    await rm(join(host.runs, id), { recursive: true });
    expect(await listOf(host)).toMatchObject([{ state: "archived", storageClasses: ["GLACIER"] }]);
    const asked = await expectDone(host, "archive", "restore", id, "--tier", "Bulk");
    expect(asked).toMatch(/2 objects are asked for from GLACIER, there within 12\.0 h .*S3 user guide/);
    expect(await readdir(host.runs)).toEqual([]);
    expect(await listOf(host)).toMatchObject([{ state: "restoring" }]);
    suite.gate.decide = (request) => (request.startsWith("HEAD") ? "forget" : "pass");
    suite.gate.seen.length = 0;
    await expectDone(host, "archive", "restore", id);
    expect(suite.gate.seen.filter((one) => one.startsWith("POST"))).toHaveLength(2);
    suite.gate.decide = () => "pass";
    suite.gate.seen.length = 0;
    const waiting = host.run("archive", "restore", id, "--wait", "--poll", "1");
    await until(
      "a second look",
      async () => suite.gate.seen.filter((one) => one.startsWith("HEAD")).length > 3,
    );
    expect(suite.gate.seen.filter((one) => one.startsWith("POST"))).toEqual([]);
    await suite.aws.advance(12 * 3600);
    expect((await waiting).code).toBe(0);
    expect(await readdir(host.runs)).toEqual([id]);
    expect((await listOf(host))[0]?.readableUntil).toMatch(/T00:00:00/);
  });

  it("keeps to what it sent when somebody puts something over it, and finds what is gone", async () => {
    const host = await suite.newHost({ reader: suite.users.reader });
    await makeRun(host, id, small);
    await expectDone(host, "archive");
    const { offsite } = await readManifest(join(host.runs, id));
    const object = offsite?.objects?.[0];
    const at = { Bucket: "dumps", Key: object?.key ?? "" };
    const folder = at.Key.replace(/[^/]+$/, "");
    for (const Key of [at.Key, `${folder}manifest.json.gz`]) {
      await suite.aws
        .s3(suite.users.writer)
        .send(new PutObjectCommand({ ...at, Key, Body: "mine", ChecksumAlgorithm: "SHA256" }));
    }
    await cp(join(host.runs, id), join(host.folder, "before"), { recursive: true });
    await rm(join(host.runs, id), { recursive: true });
    await expectDone(host, "archive", "verify", "--all");
    await expectDone(host, "archive", "restore", id);
    const [was, is] = await Promise.all(
      [join(host.folder, "before"), join(host.runs, id)].map((path) => readFile(join(path, "some.dump"))),
    );
    expect(is?.equals(was ?? Buffer.alloc(0))).toBe(true);
    await suite.aws.s3().send(
      new DeleteObjectCommand({
        ...at,
        VersionId: object?.versionId ?? "",
        BypassGovernanceRetention: true,
      }),
    );
    const damaged = await host.run("archive", "verify");
    expect(damaged).toMatchObject({ code: 6, output: expect.stringContaining("files.tar is missing") });
    const metrics = await readFile(join(host.folder, "dbkeeper.prom"), "utf8");
    expect(metrics).toContain('dbkeeper_archive_problems{cluster="pg01"} 1');
    expect(metrics).toContain('dbkeeper_last_run_exit_code{cluster="pg01",command="archive verify"} 6');
    expect(metrics).toMatch(/dbkeeper_archive_last_verified_timestamp_seconds\{cluster="pg01"\} \d{10}/);
    expect(await listOf(host)).toMatchObject([{ state: "incomplete" }]);
    await rm(join(host.runs, id), { recursive: true });
    expect(await host.run("archive", "restore", id)).toMatchObject({ code: 6 });
  });

  it.skipIf(process.getuid?.() !== 0)(
    "loses nothing on a full disk, and goes on when there is room",
    async () => {
      const disk = join((await suite.newHost()).folder, "disk");
      await execa("mkdir", [disk]);
      await execa("mount", ["-t", "tmpfs", "-o", "size=20m", "dbkeeper-small", disk]);
      mounted = disk;
      const host = await suite.newHost({ directory: disk, reader: suite.users.reader });
      await makeRun(host, id, mixed);
      const filler = join(disk, "filler");
      suite.gate.decide = (request) => {
        if (request.includes("part 2 "))
          execaSync("dd", ["if=/dev/zero", `of=${filler}`, "bs=4k"], { reject: false });
        return "pass";
      };
      expect(await host.run("archive")).toMatchObject({ code: 7, output: expect.stringContaining("ENOSPC") });
      expect((await readManifest(join(host.runs, id))).offsite).toBeNull();
      suite.gate.decide = () => "pass";
      await rm(filler);
      await expectDone(host, "archive");
      await rm(join(host.runs, id), { recursive: true });
      await writeFile(filler, Buffer.alloc(10 * 1024 ** 2));
      expect(await host.run("archive", "restore", id)).toMatchObject({ code: 3 });
      expect(await readdir(host.runs)).toEqual([]);
      await rm(filler);
      await expectDone(host, "archive", "restore", id);
    },
  );

  it("brings a run to another host with the reader's key alone, from the place that is named", async () => {
    const lost = await suite.newHost();
    await makeRun(lost, id, mixed);
    const before = await contentOf(lost);
    const finished = await expectDone(lost, "archive");
    const [, from = ""] = /"url":"(s3:[^"]*)\/pg01\/[^"]*"/.exec(finished) ?? [];
    const rebuilt = await suite.newHost();
    const reader = join(rebuilt.folder, "reader-of-the-stack.json");
    const { accessKeyId, secretAccessKey } = suite.users.reader;
    await writeFile(reader, JSON.stringify({ id: accessKeyId, secret: secretAccessKey }), { mode: 0o600 });
    const there = ["--reader", reader, "--from", from, "--region", "eu-central-1"];
    expect(await rebuilt.run("archive", "list")).toMatchObject({
      code: 2,
      output: expect.stringContaining("--reader"),
    });
    expect(await expectDone(rebuilt, "archive", "list", ...there)).toContain(id);
    const outputs = [
      await expectDone(rebuilt, "archive", "restore", id, ...there),
      await expectDone(rebuilt, "archive", "verify", "--all", ...there),
    ];
    expect(outputs.join("\n")).not.toContain(secretAccessKey);
    expect(same(await contentOf(rebuilt), before)).toBe(true);
    expect(await rebuilt.run("archive", "list", "--from", "somewhere")).toMatchObject({ code: 2 });
    const metrics = await readFile(join(rebuilt.folder, "dbkeeper.prom"), "utf8");
    for (const sample of [
      'dbkeeper_last_run_success{cluster="pg01",command="archive restore"} 1',
      'dbkeeper_archive_verified_objects{cluster="pg01"} 2',
      'dbkeeper_archive_reread_objects{cluster="pg01"} 2',
      'dbkeeper_archive_problems{cluster="pg01"} 0',
    ])
      expect(metrics).toContain(sample);
    expect(metrics).toMatch(/dbkeeper_archive_last_retrieved_timestamp_seconds\{cluster="pg01"\} \d{10}/);
  });

  it("takes up what was fetched, and removes what nobody took up for a week", async () => {
    const host = await suite.newHost({ reader: suite.users.reader });
    await makeRun(host, id, mixed);
    await expectDone(host, "archive");
    const young = join(host.runs, `.${id}.retrieving`);
    await cp(join(host.runs, id), young, { recursive: true });
    await rm(join(host.runs, id), { recursive: true });
    await rm(join(young, "manifest.json"));
    await writeFile(join(young, "a/1.dat"), "cut");
    const old = join(host.runs, `.${later}.retrieving`);
    await cp(young, old, { recursive: true });
    const before = new Date(Date.now() - 8 * 86_400_000);
    for (const name of ["", ...(await readdir(old, { recursive: true }))])
      await utimes(join(old, name), before, before);
    suite.gate.seen.length = 0;
    await expectDone(host, "archive", "restore", id);
    expect(await readdir(host.runs)).toEqual([id]);
    expect(suite.gate.seen.filter((one) => one.startsWith("GET") && one.endsWith("large.dump"))).toEqual([]);
  });
});

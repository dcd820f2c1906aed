import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DeleteObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { execa, execaSync } from "execa";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Credentials, startAws, type TestAws } from "../../rehearsal/s3/proxy-testing.ts";
import { findMotoServer } from "../../rehearsal/s3/testing.ts";
import type { ArchiveList } from "../../scripts/archive/list.ts";
import { readManifest } from "../../scripts/runs/manifest.ts";
import { until } from "../../scripts/testing/wait.ts";
import { type Gate, openGate } from "./archive-gate.ts";
import {
  type Host,
  type HostSetup,
  makeBucket,
  makeHost,
  makeRun,
  makeUsers,
  mixed,
} from "./archive-world.ts";

const motoServer = await findMotoServer();
if (!motoServer) console.warn("skipped: moto_server is missing; ./lab doctor names the way");

const id = "20260601T020000Z";
const small = { "some.dump": 300_000, "globals.sql": 1000 };

describe.skipIf(!motoServer)("dbkeeper archive", { timeout: 60_000 }, () => {
  let aws: TestAws;
  let users: { writer: Credentials; reader: Credentials };
  let gate: Gate;
  let mounted: string | undefined;
  const hosts: Host[] = [];
  let hostCount = 0;

  beforeAll(async () => {
    aws = await startAws(motoServer ?? "");
    gate = await openGate(aws.plainUrl);
    await makeBucket(aws, "dumps", 30);
    await makeBucket(aws, "unlocked");
    users = await makeUsers(aws, ["dumps", "unlocked"]);
  });
  afterEach(async () => {
    gate.decide = () => "pass";
    gate.seen.length = 0;
    if (mounted !== undefined) await execa("umount", [mounted]);
    mounted = undefined;
    for (const host of hosts.splice(0)) await rm(host.folder, { recursive: true, force: true });
  });
  afterAll(async () => {
    await gate?.close();
    await aws?.close();
  });

  /** A host whose requests pass the gate, with a prefix that no other test uses. */
  const newHost = async (more: Partial<HostSetup> = {}): Promise<Host> => {
    const host = await makeHost({
      archive: { bucket: "dumps", endpoint: gate.url },
      writer: users.writer,
      ...more,
    });
    hostCount += 1;
    await host.configure({ prefix: `proj-pg01/${hostCount}` });
    hosts.push(host);
    return host;
  };
  const contentOf = async (host: Host) => {
    const names = Object.keys(mixed);
    return await Promise.all(names.map((name) => readFile(join(host.runs, id, name))));
  };
  const expectDone = async (host: Host, ...argv: string[]) => {
    const outcome = await host.run(...argv);
    expect(outcome.code, outcome.output).toBe(0);
    return outcome.output;
  };
  const listOf = async (host: Host) =>
    (JSON.parse(await expectDone(host, "archive", "list")) as ArchiveList).runs;
  const partsSent = () => gate.seen.filter((one) => one.includes("part ")).map((one) => one.split(" ")[2]);

  it("brings a run there and back over TLS, with no rights but a writer's and a reader's", async () => {
    const host = await makeHost({
      archive: { bucket: "dumps", endpoint: aws.url },
      ...users,
    });
    hosts.push(host);
    const caFile = join(host.folder, "ca.pem");
    await writeFile(caFile, aws.authority.certPem);
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
    expect((await contentOf(host)).map((content, index) => content.equals(before[index] ?? content))).toEqual(
      before.map(() => true),
    );
    expect((await readManifest(join(host.runs, id))).offsite?.retrievedAt).toBeDefined();
    expect(await expectDone(host, "archive", "restore", id)).toContain("is here already");
    expect(await expectDone(host, "archive")).toContain("is already at");
    for (const secret of [users.writer.secretAccessKey, users.reader.secretAccessKey]) {
      expect(outputs.join("\n")).not.toContain(secret);
    }
  });

  it("goes on where it was killed, and sends no part twice", async () => {
    const host = await newHost();
    await makeRun(host, id, mixed);
    gate.decide = (request) => (request.includes("part 3 ") ? "hold" : "pass");
    const main = new URL("../../scripts/main.ts", import.meta.url).pathname;
    const child = spawn(process.execPath, [main, "archive", "--config", host.configFile], {
      stdio: "ignore",
    });
    const ended = once(child, "exit");
    await until("the third part", async () => partsSent().includes("3"));
    child.kill("SIGKILL");
    await ended;
    expect((await readManifest(join(host.runs, id))).offsite).toBeNull();
    gate.decide = () => "pass";
    gate.seen.length = 0;
    await expectDone(host, "archive");
    expect(partsSent()).toEqual(["3"]);
    expect(await readdir(host.runs)).toEqual([id]);
  });

  it("gives up what was begun for a run that is gone", async () => {
    const host = await newHost();
    await makeRun(host, id, mixed);
    gate.decide = (request) => (request.includes("part 2 ") ? "cut" : "pass");
    expect((await host.run("archive")).code).toBe(7);
    await rm(join(host.runs, id), { recursive: true });
    await makeRun(host, "20260602T020000Z", small);
    await expectDone(host, "archive");
    expect(gate.seen.filter((one) => one.startsWith("DELETE upload "))).toHaveLength(1);
    expect(await readdir(host.runs)).toEqual(["20260602T020000Z"]);
  });

  it("survives connections that are cut in the middle, and says so when nothing gets through", async () => {
    const host = await newHost();
    await makeRun(host, id, mixed);
    gate.decide = (request) => (request.includes("part 2 ") ? "cut" : "pass");
    const failed = await host.run("archive");
    expect(failed.code, failed.output).toBe(7);
    expect((await readManifest(join(host.runs, id))).offsite).toBeNull();
    let cuts = 0;
    gate.decide = () => (cuts++ % 2 === 0 ? "cut" : "pass");
    gate.seen.length = 0;
    await expectDone(host, "archive");
    expect(new Set(partsSent())).toEqual(new Set(["2", "3"]));
  });

  it.each([
    ["looks at what lies there", true],
    ["takes another key", false],
  ])("when an answer was lost, with a reader or without: it %s", async (_, withReader) => {
    const host = await newHost(withReader ? { reader: users.reader } : {});
    await makeRun(host, id, mixed);
    const muted = new Set<string>();
    gate.decide = (request) => {
      const isLast = request.startsWith("POST upload ") || /^PUT \S+files\.tar$/.test(request);
      if (!isLast || muted.has(request)) return "pass";
      muted.add(request);
      return "mute";
    };
    await expectDone(host, "archive");
    expect(muted.size).toBe(2);
    const { offsite } = await readManifest(join(host.runs, id));
    const keys = offsite?.objects?.map(({ key }) => key.split("/").at(-1)) ?? [];
    // The service answers a repeated completion with what it had answered the first time.
    expect(keys).toEqual(["large.dump", withReader ? "files.tar" : expect.stringMatching(/^files\.tar~/)]);
  });

  it.each([
    ["a key that nobody has", { accessKeyId: "AKIANOBODY", secretAccessKey: "hunter2" }],
    ["a reader's key", undefined],
  ])("refuses to go on with %s, and shows no secret", async (_, writer) => {
    const given = writer ?? users.reader;
    const host = await newHost({ writer: given });
    await makeRun(host, id, small);
    const { code, output } = await host.run("archive");
    expect(code).toBe(7);
    expect(output).toMatch(/(InvalidAccessKeyId|AccessDenied).*check the credentials file/);
    expect(output).not.toContain(given.secretAccessKey);
    expect((await readManifest(join(host.runs, id))).offsite).toBeNull();
  });

  it("asks for a lock only where it is told to, and is refused by a bucket that has none", async () => {
    const host = await newHost({ ...users, writer: aws.root });
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
    await makeRun(host, "20260602T020000Z", small);
    await host.configure({ prefix: "proj-pg01/lock", bucket: "unlocked" });
    await expectDone(host, "archive");
    expect(await listOf(host)).toMatchObject([{ run: "20260602T020000Z", lockedUntil: null }]);
  });

  it("restores from Glacier: says when, waits when told to, and asks only once", async () => {
    const host = await newHost({ reader: users.reader });
    await host.configure({ prefix: "proj-pg01/cold", storageClass: "GLACIER" });
    await makeRun(host, id, mixed);
    await expectDone(host, "archive");
    await rm(join(host.runs, id), { recursive: true });
    expect(await listOf(host)).toMatchObject([{ state: "archived", storageClasses: ["GLACIER"] }]);
    const asked = await expectDone(host, "archive", "restore", id, "--tier", "Bulk");
    expect(asked).toMatch(/2 objects are asked for from GLACIER, there within 12\.0 h .*S3 user guide/);
    expect(await readdir(host.runs)).toEqual([]);
    expect(await listOf(host)).toMatchObject([{ state: "restoring" }]);
    gate.decide = (request) => (request.startsWith("HEAD") ? "forget" : "pass");
    gate.seen.length = 0;
    await expectDone(host, "archive", "restore", id);
    expect(gate.seen.filter((one) => one.startsWith("POST"))).toHaveLength(2);
    gate.decide = () => "pass";
    gate.seen.length = 0;
    const waiting = host.run("archive", "restore", id, "--wait", "--poll", "1");
    await until("a second look", async () => gate.seen.filter((one) => one.startsWith("HEAD")).length > 3);
    expect(gate.seen.filter((one) => one.startsWith("POST"))).toEqual([]);
    await aws.advance(12 * 3600);
    expect((await waiting).code).toBe(0);
    expect(await readdir(host.runs)).toEqual([id]);
    expect((await listOf(host))[0]?.readableUntil).toMatch(/T00:00:00/);
  });

  it("keeps to what it sent when somebody puts something over it, and finds what is gone", async () => {
    const host = await newHost({ reader: users.reader });
    await makeRun(host, id, small);
    await expectDone(host, "archive");
    const { offsite } = await readManifest(join(host.runs, id));
    const object = offsite?.objects?.[0];
    const at = { Bucket: "dumps", Key: object?.key ?? "" };
    const folder = at.Key.replace(/[^/]+$/, "");
    for (const Key of [at.Key, `${folder}manifest.json.gz`]) {
      await aws
        .s3(users.writer)
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
    await aws.s3().send(
      new DeleteObjectCommand({
        ...at,
        VersionId: object?.versionId ?? "",
        BypassGovernanceRetention: true,
      }),
    );
    const damaged = await host.run("archive", "verify");
    expect(damaged).toMatchObject({ code: 6, output: expect.stringContaining("files.tar is missing") });
    expect(await listOf(host)).toMatchObject([{ state: "incomplete" }]);
    await rm(join(host.runs, id), { recursive: true });
    expect(await host.run("archive", "restore", id)).toMatchObject({ code: 6 });
  });

  it.skipIf(process.getuid?.() !== 0)(
    "loses nothing on a full disk, and goes on when there is room",
    async () => {
      const disk = join((await newHost()).folder, "disk");
      await execa("mkdir", [disk]);
      await execa("mount", ["-t", "tmpfs", "-o", "size=20m", "dbkeeper-small", disk]);
      mounted = disk;
      const host = await newHost({ directory: disk, reader: users.reader });
      await makeRun(host, id, mixed);
      const filler = join(disk, "filler");
      gate.decide = (request) => {
        if (request.includes("part 2 "))
          execaSync("dd", ["if=/dev/zero", `of=${filler}`, "bs=4k"], { reject: false });
        return "pass";
      };
      expect(await host.run("archive")).toMatchObject({ code: 7, output: expect.stringContaining("ENOSPC") });
      expect((await readManifest(join(host.runs, id))).offsite).toBeNull();
      gate.decide = () => "pass";
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
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { AbortMultipartUploadCommand } from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { findMotoServer } from "../../rehearsal/s3/testing.ts";
import { readManifest } from "../../scripts/runs/manifest.ts";
import { until } from "../../scripts/testing/wait.ts";
import { contentOf, expectDone, id, later, same, small, useArchive } from "./archive-suite.ts";
import { type Host, makeRun, mixed } from "./archive-world.ts";

const motoServer = await findMotoServer();
if (!motoServer) console.warn("skipped: moto_server is missing; ./lab doctor names the way");

describe.skipIf(!motoServer)("dbkeeper archive, interrupted", { timeout: 60_000 }, () => {
  const suite = useArchive(motoServer ?? "");

  it("goes on where it was killed, and sends no part twice", async () => {
    const host = await suite.newHost();
    await makeRun(host, id, mixed);
    suite.gate.decide = (request) => (request.includes("part 3 ") ? "hold" : "pass");
    const main = new URL("../../scripts/main.ts", import.meta.url).pathname;
    const child = spawn(process.execPath, [main, "archive", "--config", host.configFile], {
      stdio: "ignore",
    });
    const ended = once(child, "exit");
    await until("the third part", async () => suite.partsSent().includes("3"));
    child.kill("SIGKILL");
    await ended;
    expect((await readManifest(join(host.runs, id))).offsite).toBeNull();
    suite.gate.decide = () => "pass";
    suite.gate.seen.length = 0;
    await expectDone(host, "archive");
    expect(suite.partsSent()).toEqual(["3"]);
    expect(await readdir(host.runs)).toEqual([id]);
  });

  it("gives up what was begun for a run that is gone", async () => {
    const host = await suite.newHost();
    await makeRun(host, id, mixed);
    suite.gate.decide = (request) => (request.includes("part 2 ") ? "cut" : "pass");
    expect((await host.run("archive")).code).toBe(7);
    await rm(join(host.runs, id), { recursive: true });
    await makeRun(host, later, small);
    await expectDone(host, "archive");
    expect(suite.gate.seen.filter((one) => one.startsWith("DELETE upload "))).toHaveLength(1);
    expect(await readdir(host.runs)).toEqual([later]);
  });

  it("survives connections that are cut in the middle, and says so when nothing gets through", async () => {
    const host = await suite.newHost();
    await makeRun(host, id, mixed);
    suite.gate.decide = (request) => (request.includes("part 2 ") ? "cut" : "pass");
    const failed = await host.run("archive");
    expect(failed.code, failed.output).toBe(7);
    expect((await readManifest(join(host.runs, id))).offsite).toBeNull();
    let cuts = 0;
    suite.gate.decide = () => (cuts++ % 2 === 0 ? "cut" : "pass");
    suite.gate.seen.length = 0;
    await expectDone(host, "archive");
    expect(new Set(suite.partsSent())).toEqual(new Set(["2", "3"]));
  });

  it.each([
    ["looks at what lies there", true],
    ["takes another key", false],
  ])("when an answer was lost, with a reader or without: it %s", async (_, withReader) => {
    const host = await suite.newHost(withReader ? { reader: suite.users.reader } : {});
    await makeRun(host, id, mixed);
    const muted = new Set<string>();
    suite.gate.decide = (request) => {
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

  /** What the host knows of an upload in parts that was begun. */
  const begun = async (host: Host) => {
    const text = await readFile(join(host.runs, `.${id}.upload.json`), "utf8");
    const { objects } = JSON.parse(text) as {
      objects: Record<string, { key: string; upload: { id: string } | null }>;
    };
    return objects["large.dump"];
  };

  it.each([
    ["restarts", () => suite.aws.restart()],
    ["is killed", () => suite.aws.restart("SIGKILL")],
    [
      "gives up what was not finished",
      async (host: Host) => {
        const { key, upload } = (await begun(host)) ?? { key: "", upload: null };
        const abort = { Bucket: "dumps", Key: key, UploadId: upload?.id };
        await suite.aws.s3().send(new AbortMultipartUploadCommand(abort));
      },
    ],
  ])("comes to the same end when the server %s amid a large file", async (_, happens) => {
    const host = await suite.newHost({ reader: suite.users.reader });
    await makeRun(host, id, mixed);
    const before = await contentOf(host);
    suite.gate.decide = (request) => (request.includes("part 3 ") ? "cut" : "pass");
    expect(await host.run("archive")).toMatchObject({ code: 7 });
    await happens(host);
    suite.gate.decide = () => "pass";
    await expectDone(host, "archive");
    const { offsite } = await readManifest(join(host.runs, id));
    const found = offsite?.objects?.map(({ key, sizeBytes }) => [key.split("/").at(-1), sizeBytes]);
    expect(found).toEqual([
      ["large.dump", mixed["large.dump"]],
      ["files.tar", expect.any(Number)],
    ]);
    await rm(join(host.runs, id), { recursive: true });
    await expectDone(host, "archive", "restore", id);
    expect(same(await contentOf(host), before)).toBe(true);
  });
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readJson, writeJson } from "../lib/files.ts";
import {
  engineOptions,
  findInstance,
  findRemains,
  loopbackSubnet,
  openInstance,
  stopEngine,
  stopOrphanedEngine,
} from "./instance.ts";

describe("a checkout's instance", () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "lab-instance-"));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it("does not exist before it is made", async () => {
    expect(await findInstance(root)).toBeUndefined();
  });

  it("keeps its kind of guests, its network and its secrets", async () => {
    const made = await openInstance(root, "records");
    expect(made).toMatchObject({ guests: "records", hostAddress: loopbackSubnet(made.id) });
    expect(await openInstance(root, "containers")).toEqual(made);
  });

  it.each([
    ["cut short", '{"instanceId":"ab', "it is not JSON"],
    [
      "without its network",
      '{"instanceId":"0a1b2c3d"}',
      "hostAddress: Invalid input: expected string, received undefined",
    ],
  ])("says what to do when its state is %s, and can still be taken down", async (_, content, reason) => {
    const made = await openInstance(root, "records");
    const file = join(made.folder, "state.json");
    await writeFile(file, content);
    await expect(findInstance(root)).rejects.toMatchObject({
      message: `${file} does not describe this lab: ${reason}`,
      hint: "`./lab down --purge` ends what runs and forgets the rest; `./lab up` then builds the lab anew",
      exitCode: 1,
    });
    expect(await findRemains(root)).toMatchObject({ root, folder: made.folder, id: made.id });
  });

  it("can be taken down when its state is gone but it has run", async () => {
    const made = await openInstance(root, "records");
    expect(await findRemains(root)).toMatchObject({ id: made.id, guests: "records" });
    await rm(join(made.folder, "state.json"));
    expect(await findRemains(root)).toBeUndefined();
    await mkdir(join(made.folder, "processes"));
    expect(await findRemains(root)).toMatchObject({ id: made.id });
  });

  it("ends an engine whose command was killed, and lets one be that somebody watches", async () => {
    const instance = await openInstance(root, "records");
    const engine = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
    const ended = once(engine, "exit");
    await engineOptions(instance).onStart?.(engine.pid);
    await stopOrphanedEngine(instance);
    expect(engine.exitCode ?? engine.signalCode).toBeNull();

    const path = join(instance.folder, "processes", "engine.json");
    await writeJson(path, {
      ...Object(await readJson(path)),
      owner: { pid: process.pid, startTimeTicks: 1 },
    });
    await stopOrphanedEngine(instance);
    expect(await ended).toEqual([null, "SIGTERM"]);
  });

  it("ends an engine in any case when it is taken down", async () => {
    const instance = await openInstance(root, "records");
    await stopEngine(instance);
    const engine = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
    const ended = once(engine, "exit");
    await engineOptions(instance).onStart?.(engine.pid);
    await stopEngine(instance);
    expect(await ended).toEqual([null, "SIGTERM"]);
  });
});

describe("the loopback network of an instance", () => {
  it("is within 127.64.0.0/10, whatever the id", () => {
    expect(loopbackSubnet("00000000")).toBe("127.64.0.1");
    expect(loopbackSubnet("ffffffff")).toBe("127.127.255.1");
  });
});

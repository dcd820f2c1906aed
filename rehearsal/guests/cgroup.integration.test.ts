import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { makeGuestCgroups, pidsInCgroups, setFrozen } from "./cgroup.ts";
import { killCgroup } from "./guest.ts";

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn("control groups are not tested: they need root");

describe.skipIf(!isRoot)("a frozen guest", () => {
  const instanceId = randomBytes(4).toString("hex");
  const vmid = 21;
  let procsFiles: string[] = [];

  afterEach(() => killCgroup(instanceId));

  /** A process in the guest's groups, and one in a group that the guest itself made there. */
  async function runningGuest(): Promise<number[]> {
    procsFiles = await makeGuestCgroups(instanceId, vmid, {});
    const own = procsFiles.map((file) => join(dirname(file), "made-inside", "cgroup.procs"));
    for (const file of own) await mkdir(dirname(file), { recursive: true });
    const outer = await sleeper(procsFiles);
    // A cpuset that was never filled in takes no process.
    return [outer, await sleeper(own.filter((file) => !file.includes("/cpuset")))];
  }

  async function sleeper(files: readonly string[]): Promise<number> {
    const child = spawn("sleep", ["600"], { stdio: "ignore" });
    await once(child, "spawn");
    if (child.pid === undefined) throw new Error("sleep has no pid");
    for (const file of files) await writeFile(file, String(child.pid));
    return child.pid;
  }

  test.each([
    ["alone", vmid],
    ["with all of the checkout's", undefined],
  ])("ends %s, as an interrupted backup leaves it", async (_, which) => {
    const pids = await runningGuest();
    await setFrozen(instanceId, vmid, true);
    expect((await pidsInCgroups(instanceId, vmid)).sort()).toEqual(pids.sort());
    expect(await killCgroup(instanceId, which)).toBeGreaterThan(0);
    expect(await pidsInCgroups(instanceId)).toEqual([]);
    expect(procsFiles.filter((file) => existsSync(file))).toEqual([]);
  });

  test("is let go on without a word when it was ended meanwhile", async () => {
    await runningGuest();
    await setFrozen(instanceId, vmid, true);
    await killCgroup(instanceId, vmid);
    await expect(setFrozen(instanceId, vmid, false)).resolves.toBeUndefined();
    await expect(setFrozen(instanceId, vmid, true)).rejects.toThrow("no control group");
  });
});

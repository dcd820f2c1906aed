import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { AnyResource } from "../../provider/resource.ts";
import type { PbsClient } from "../client.ts";
import { acl } from "../resources/acl.ts";
import { datastore } from "../resources/datastore.ts";
import { pruneJob } from "../resources/prune-job.ts";
import { Managed } from "./managed.ts";
import { openWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const managed = (resource: AnyResource<PbsClient>) => new Managed(resource, world.client);

describe("a datastore", () => {
  it("is a folder with chunks at the server, which stays when the datastore is deleted", async () => {
    const one = await managed(datastore).create({ name: "kept", path: "/mnt/kept" });
    const folder = join(world.folder, "pbs/root/mnt/kept");
    expect(await readdir(folder)).toContain(".chunks");
    await one.delete();
    expect(await readdir(folder)).toContain(".chunks");

    await expect(managed(datastore).create({ name: "kept", path: "/mnt/kept" })).rejects.toThrow(/not empty/);
    const again = await managed(datastore).create({ name: "kept", path: "/mnt/kept", reuseDatastore: true });
    await again.update({ ...again.inputs, destroyData: true });
    await again.delete();
    await expect(readdir(folder)).rejects.toThrow(/ENOENT/);
  });

  it("leaves its jobs and permissions when deleted, unless told otherwise", async () => {
    const names = async (path: string) => JSON.stringify((await world.client.get(path)).data);
    const build = async (keepJobConfigs: boolean) => {
      const one = await managed(datastore).create({
        name: "jobs",
        path: "/mnt/jobs",
        destroyData: true,
        keepJobConfigs,
      });
      return one;
    };
    const one = await build(true);
    await managed(pruneJob).create({ jobId: "jobs-prune", store: "jobs", schedule: "daily", keepLast: 1 });
    await managed(acl).create({ path: "/datastore/jobs", roleId: "Audit", authId: "root@pam" });
    await one.delete();
    expect(await names("/config/prune")).toContain("jobs-prune");
    expect(await names("/access/acl")).toContain("/datastore/jobs");

    await (await build(false)).delete();
    expect(await names("/config/prune")).not.toContain("jobs-prune");
    expect(await names("/access/acl")).not.toContain("/datastore/jobs");
  });

  it("keeps data and jobs when nothing is recorded of how to delete it", async () => {
    const one = await managed(datastore).create({ name: "bare", path: "/mnt/bare" });
    await managed(pruneJob).create({ jobId: "bare-prune", store: "bare", schedule: "daily", keepLast: 1 });
    one.inputs = {};
    await one.delete();
    expect(await readdir(join(world.folder, "pbs/root/mnt/bare"))).toContain(".chunks");
    expect((await world.client.get("/config/prune/bare-prune")).data).toMatchObject({ store: "bare" });
  });

  it("shows the log of the task that could not make it", async () => {
    const folder = join(world.folder, "pbs/root/mnt/full");
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "somebody.txt"), "was here");
    await expect(managed(datastore).create({ name: "full", path: "/mnt/full" })).rejects.toThrow(
      /task create-datastore full failed: datastore path not empty\n.*Chunkstore create: \/mnt\/full\n.*TASK ERROR.*UPID:/s,
    );
  });

  it("is replaced by another path, name or backend, deleting first", () => {
    expect(datastore.replaceOn).toEqual(["name", "path", "backend"]);
    expect(datastore.deleteBeforeReplace).toBe(true);
  });
});

describe("reading what the server writes differently", () => {
  // These write what the API's description does not allow, and the clients must read all the same.
  afterEach(() => world.problems.clear());

  it("finds no drift", async () => {
    const one = await managed(datastore).create({
      name: "written",
      path: "/mnt/written",
      tuning: { gcAtimeCutoff: 1600, gcAtimeSafetyCheck: false, syncLevel: "none" },
      maintenanceMode: { type: "offline" },
    });
    await world.simulator.store.change("datastore", undefined, (state) => {
      Object.assign(state.datastore.written ?? {}, {
        tuning: "sync-level=none,gc-atime-safety-check=0,gc-atime-cutoff=1600",
        "maintenance-mode": "offline",
        "verify-new": "0",
      });
    });
    expect(await one.drift()).toEqual([]);
  });

  it("finds no drift in a number written as text", async () => {
    const one = await managed(pruneJob).create({
      jobId: "texts",
      store: "vms",
      schedule: "daily",
      keepLast: 3,
    });
    await world.simulator.store.change("prune", undefined, (state) => {
      Object.assign(state.prune.texts ?? {}, { "keep-last": "3", disable: 0 });
    });
    expect(await one.drift()).toEqual([]);
  });
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ApiError } from "../../../../rehearsal/pbs/errors.ts";
import { openWorld, type World } from "../world.ts";
import { configOf, openPlugin, type Plugin } from "./plugin.ts";

let world: World;
let plugin: Plugin;
const job = { jobId: "raced", store: "vms", schedule: "02:30", keepDaily: 7, disable: false };
const item = "/config/prune/{id}";

beforeAll(async () => {
  world = await openWorld();
  plugin = await openPlugin(configOf(world));
  await plugin.create("PruneJob", job);
});
afterAll(async () => {
  plugin.close();
  await world.close();
});

/** Somebody else, between reading and writing. */
function meanwhile(times: number, act: (jobs: Record<string, object>) => void): void {
  for (let time = 0; time < times; time++) {
    world.before("PUT", item, () =>
      world.simulator.store.change("prune", undefined, (state) => act(state.prune)),
    );
  }
}

const update = () => plugin.update("PruneJob", "raced", job, { ...job, keepDaily: 8 });
const puts = () => world.calls.filter(({ method, path }) => method === "PUT" && path === item).length;

describe("a conflict", () => {
  it("with another object is retried, more than once", async () => {
    const before = puts();
    meanwhile(5, (jobs) => {
      const number = Object.keys(jobs).length;
      jobs[`other-${number}`] = { id: `other-${number}`, store: "vms", schedule: "daily" };
    });
    expect(await update()).toMatchObject({ keepDaily: 8 });
    expect(puts()).toBe(before + 6);
  });

  it("with the same object names what changed, and nothing is written", async () => {
    await plugin.update("PruneJob", "raced", { ...job, keepDaily: 8 }, job);
    meanwhile(1, (jobs) => Object.assign(jobs.raced ?? {}, { schedule: "weekly", "keep-last": 1 }));
    await expect(update()).rejects.toThrow(
      "prune job raced was changed by somebody else while it was being updated (keepLast, schedule), so nothing was written: " +
        "run `pulumi refresh` to see what changed, then `pulumi up`",
    );
    expect(await plugin.read("PruneJob", "raced")).toMatchObject({ keepDaily: 7, schedule: "weekly" });
  });

  it.each([
    ["the server compares digests", undefined],
    ["the server looks for the object", "no such prune 'raced'"],
  ])("with a removal says that it is gone, where %s first", async (_, message) => {
    if ((await plugin.read("PruneJob", "raced")) === undefined) await plugin.create("PruneJob", job);
    world.before("PUT", item, async () => {
      await world.simulator.store.change("prune", undefined, (state) => {
        delete state.prune.raced;
      });
      if (message !== undefined) throw new ApiError(400, message);
    });
    await expect(update()).rejects.toThrow(
      "prune job raced was changed by somebody else while it was being updated (it is gone), so nothing was written: " +
        "run `pulumi refresh` to see what changed, then `pulumi up`",
    );
  });

  it("is none where only what the change names is gone", async () => {
    await plugin.create("PruneJob", { ...job, jobId: "alone" });
    const message = "no such datastore 'vms'";
    world.simulator.faults.add({
      method: "PUT",
      path: "/config/prune/alone",
      times: 1,
      status: 400,
      message,
    });
    const wanted = { ...job, jobId: "alone", keepDaily: 8 };
    await expect(plugin.update("PruneJob", "alone", { ...job, jobId: "alone" }, wanted)).rejects.toThrow(
      "Proxmox Backup Server refused PUT /config/prune/alone (HTTP 400): no such datastore 'vms'",
    );
  });
});

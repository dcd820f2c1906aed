import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AnyResource } from "../../provider/resource.ts";
import type { PbsClient } from "../client.ts";
import { acl } from "../resources/acl.ts";
import { pruneJob } from "../resources/prune-job.ts";
import { Managed } from "./managed.ts";
import { openWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const managed = (resource: AnyResource<PbsClient>) => new Managed(resource, world.client);

describe("changes by somebody else", () => {
  it("to the same object are reported, and nothing is written", async () => {
    const job = { jobId: "raced", store: "vms", schedule: "daily", keepLast: 1 };
    const one = await managed(pruneJob).create(job);
    world.before("PUT", "/config/prune/{id}", () =>
      world.simulator.store.change("prune", undefined, (state) => {
        Object.assign(state.prune.raced ?? {}, { schedule: "weekly" });
      }),
    );
    await expect(one.update({ ...job, keepLast: 2 })).rejects.toThrow(
      /prune job raced was changed by somebody else .* nothing was written: run `pulumi refresh`/,
    );
    expect(await one.read()).toMatchObject({ keepLast: 1, schedule: "weekly" });
  });

  it("to another object of the same file do not hinder", async () => {
    const job = { jobId: "alone", store: "vms", schedule: "daily", keepLast: 1 };
    const one = await managed(pruneJob).create(job);
    world.before("PUT", "/config/prune/{id}", () =>
      world.simulator.store.change("prune", undefined, (state) => {
        state.prune.another = { id: "another", store: "vms", schedule: "daily" };
      }),
    );
    await one.update({ ...job, keepLast: 2 });
    expect(await one.read()).toMatchObject({ keepLast: 2 });
  });

  it("by ourselves, side by side, all succeed", async () => {
    const jobs = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        managed(pruneJob).create({ jobId: `side-${index}`, store: "vms", schedule: "daily", keepLast: 1 }),
      ),
    );
    await Promise.all(jobs.map((job) => job.update({ ...job.inputs, keepLast: 5 })));
    expect(await Promise.all(jobs.map((job) => job.drift()))).toEqual(jobs.map(() => []));
  });

  it("to a permission are reported", async () => {
    const entry = { path: "/datastore/raced", roleId: "Audit", authId: "root@pam" };
    const one = await managed(acl).create(entry);
    world.before("PUT", "/access/acl", () =>
      world.simulator.store.change("acl", undefined, (state) => {
        state.acl = state.acl.filter(({ path }) => path !== entry.path);
      }),
    );
    await expect(one.update({ ...entry, propagate: false })).rejects.toThrow(/changed by somebody else/);
  });

  it("that removed the object name refresh", async () => {
    const job = { jobId: "removed", store: "vms", schedule: "daily", keepLast: 1 };
    const one = await managed(pruneJob).create(job);
    await world.client.delete("/config/prune/removed");
    await expect(one.update({ ...job, keepLast: 2 })).rejects.toThrow(/is gone from https:.*pulumi refresh/);
  });
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { datastore } from "../resources/datastore.ts";
import { garbageCollection } from "../resources/garbage-collection.ts";
import { Managed } from "./managed.ts";
import { openWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const store = (name: string) => ({ name, path: `/mnt/${name}` });
const newStore = (name: string, more = {}) =>
  new Managed(datastore, world.client).create({ ...store(name), ...more });
const newSchedule = (name: string, schedule: string) =>
  new Managed(garbageCollection, world.client).create({ store: name, schedule });
const scheduleOf = async (name: string) =>
  ((await world.client.get(`/config/datastore/${name}`)).data as Record<string, unknown>)["gc-schedule"];

describe("the schedule of a garbage collection", () => {
  it("is left alone by a datastore that has none, whatever else changes of it", async () => {
    const one = await newStore("alone");
    const gc = await newSchedule("alone", "sat 03:00");
    expect(await one.drift()).toEqual([]);
    await one.update({ ...store("alone"), comment: "changed" });
    expect(await scheduleOf("alone")).toBe("sat 03:00");
    expect(await gc.drift()).toEqual([]);
  });

  it("has one owner: that of a datastore is not taken over", async () => {
    await newStore("owned", { gcSchedule: "daily" });
    await expect(newSchedule("owned", "weekly")).rejects.toThrow(
      /datastore owned on https:.* has the garbage collection schedule "daily" already: remove gcSchedule from its Datastore .*pulumi import pbs:index:GarbageCollection NAME 'owned'/,
    );
    expect(await scheduleOf("owned")).toBe("daily");
  });

  it("moves from the datastore to a resource of its own", async () => {
    const one = await newStore("moved", { gcSchedule: "daily" });
    await one.update(store("moved"));
    expect(await scheduleOf("moved")).toBeUndefined();
    const gc = await newSchedule("moved", "daily");
    expect([await one.drift(), await gc.drift()]).toEqual([[], []]);
  });

  it("of a datastore is found removed and changed", async () => {
    const one = await newStore("found", { gcSchedule: "daily" });
    await world.client.put("/config/datastore/found", { "gc-schedule": "weekly" });
    expect((await one.drift())?.map((change) => change.property)).toEqual(["gcSchedule"]);
    await world.client.put("/config/datastore/found", { delete: ["gc-schedule"] });
    expect((await one.drift())?.map((change) => change.property)).toEqual(["gcSchedule"]);
  });

  it("that somebody removed is gone, and so is that of a datastore that is gone", async () => {
    const one = await newStore("gone", { destroyData: true });
    const gc = await newSchedule("gone", "daily");
    await world.client.put("/config/datastore/gone", { delete: ["gc-schedule"] });
    expect(await gc.read()).toBeUndefined();
    await one.delete();
    expect(await gc.read()).toBeUndefined();
    await gc.delete();
  });

  it("survives that another datastore is changed in the middle", async () => {
    await newStore("middle");
    const gc = await newSchedule("middle", "daily");
    await newStore("neighbour");
    world.before("PUT", "/config/datastore/{name}", () =>
      world.simulator.store.change("datastore", undefined, (state) => {
        Object.assign(state.datastore.neighbour ?? {}, { comment: "changed" });
      }),
    );
    await gc.update({ store: "middle", schedule: "weekly" });
    expect(await scheduleOf("middle")).toBe("weekly");
  });
});

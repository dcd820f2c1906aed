import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { unknownValue } from "../../provider/values.ts";
import { resources } from "../resources/index.ts";
import { lives } from "./lives.ts";
import { Managed } from "./managed.ts";
import { openWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

it("is spoken by every type of resource", () => {
  expect(new Set(lives.map(({ resource }) => resource))).toEqual(new Set(resources));
});

describe.each(lives)("$name", ({ resource, prepare, first, id }) => {
  const managed = () => new Managed(resource, world.client);

  it("is planned while one of its inputs is not known yet", async () => {
    const inputs = await managed().check(first);
    for (const property of Object.keys(first)) {
      const planned = await managed().previewCreate({ ...first, [property]: unknownValue });
      expect(planned, property).toEqual({ ...inputs, [property]: unknownValue });
    }
  });

  it("goes on with what an earlier version recorded, and plans a change to what is not known yet", async () => {
    await prepare?.(world.client);
    const one = await managed().create(first);
    for (const property of Object.keys(first)) {
      const wanted = { ...first, [property]: unknownValue };
      expect((await one.diff(wanted)).map((change) => change.property)).toEqual([property]);
      const planned = await one.previewUpdate(wanted);
      expect(planned).toEqual({ ...one.inputs, ...one.outputs, [property]: unknownValue });
    }

    const given = Object.keys(first).map((property) => [property, one.inputs[property]]);
    const recorded = { id, inputs: { ...Object.fromEntries(given), formerly: "known" }, outputs: {} };
    const earlier = Object.assign(managed(), recorded);
    expect(await earlier.diff(first)).toEqual([]);
    expect(await earlier.drift()).toEqual([]);
    await earlier.update(first);
    expect(await one.drift()).toEqual([]);
    await Object.assign(managed(), recorded).delete();
    expect(await one.read()).toBeUndefined();
  });
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lives } from "./lives.ts";
import { Managed } from "./managed.ts";
import { openWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

describe.each(lives)("$name", ({ resource, prepare, first, others }) => {
  it("is found changed in each property, and in no other", async () => {
    await prepare?.(world.client);
    const one = await new Managed(resource, world.client).create(first);
    const somebody = new Managed(resource, world.client);
    Object.assign(somebody, { id: one.id, inputs: one.inputs, outputs: one.outputs });
    for (const [property, value] of Object.entries(others)) {
      await somebody.update({ ...first, [property]: value });
      const drift = await one.drift();
      expect(
        drift?.map((change) => change.property),
        property,
      ).toEqual([property]);
      await somebody.update(first);
      expect(await one.drift(), property).toEqual([]);
    }
    await one.delete();
  });
});

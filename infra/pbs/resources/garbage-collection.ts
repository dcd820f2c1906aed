import { z } from "zod";
import { type Call, defineResource } from "../../provider/resource.ts";
import type { Properties } from "../../provider/values.ts";
import { apiPath, type PbsClient } from "../client.ts";
import { isGone } from "../error.ts";
import { type Change, changeObject, fetchObject } from "./change.ts";
import { schedule, storeName } from "./values.ts";

/**
 * When the chunks of a datastore that no backup uses any more are removed: `Datastore.gcSchedule` as a resource of its
 * own, for datastores that are made elsewhere. A schedule has one owner, so this one refuses to take over another.
 */
export const garbageCollectionInputs = z.object({ store: storeName, schedule });

export const garbageCollection = defineResource<PbsClient, typeof garbageCollectionInputs.shape, object>({
  token: "pbs:index:GarbageCollection",
  inputs: garbageCollectionInputs,
  replaceOn: ["store"],

  async create(call, { store, schedule }) {
    await changeSchedule(call, store, (now) => {
      if (now !== undefined) {
        throw new Error(
          `datastore ${store} on ${call.client.url} has the garbage collection schedule "${now}" already: ` +
            "remove gcSchedule from its Datastore when that is where it comes from, or else bring it under Pulumi with " +
            `\`pulumi import pbs:index:GarbageCollection NAME '${store}'\``,
        );
      }
      return { "gc-schedule": schedule };
    });
    return { id: store, outputs: {} };
  },

  async read(call, id) {
    const answer = await fetchObject(call, pathOf(id));
    const found = scheduleOf(answer?.data);
    return found === undefined ? undefined : { inputs: { store: id, schedule: found }, outputs: {} };
  },

  async update(call, id, _recorded, wanted) {
    await changeSchedule(call, id, (now) =>
      now === wanted.schedule ? undefined : { "gc-schedule": wanted.schedule },
    );
    return {};
  },

  async delete(call, id) {
    try {
      if (!(await fetchObject(call, pathOf(id)))) return;
      await changeSchedule(call, id, (now) => (now === undefined ? undefined : { delete: ["gc-schedule"] }));
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  },
});

function changeSchedule(
  call: Call<PbsClient>,
  store: string,
  plan: Change<string | undefined>["plan"],
): Promise<void> {
  return changeObject(call, {
    what: `the garbage collection of datastore ${store}`,
    file: "datastore",
    path: pathOf(store),
    view: scheduleOf,
    plan,
  });
}

function scheduleOf(data: unknown): string | undefined {
  const found = (data as Properties | undefined)?.["gc-schedule"];
  return typeof found === "string" && found !== "" ? found : undefined;
}

function pathOf(store: string): string {
  return apiPath`/config/datastore/${store}`;
}

import { expect, it } from "vitest";
import { readApiDescription } from "../lib/api-description.ts";
import { openTestServer } from "./testing.ts";

it.skipIf(readApiDescription("pbs") === undefined)(
  "an answer that is not as the API is described fails the test that got it",
  async () => {
    const server = await openTestServer();
    await server.datastore("daily");
    const { datastore } = server.simulator.store.state;
    Object.assign(datastore.daily ?? {}, { comment: "c".repeat(129), colour: "red", path: undefined });
    await server.call("GET", "/config/datastore/daily");
    const problems = ["comment is too long", "colour is unknown", "path is missing"].map(
      (problem) => `GET /config/datastore/{name}: data.${problem}`,
    );
    const error: unknown = await server.close().catch((reason: unknown) => reason);
    expect(String(error).split("\n").slice(1).toSorted()).toEqual(problems.toSorted());
  },
);

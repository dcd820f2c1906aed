import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AnyResource } from "../../provider/resource.ts";
import type { PbsClient } from "../client.ts";
import { apiToken } from "../resources/api-token.ts";
import { pruneJob } from "../resources/prune-job.ts";
import { user } from "../resources/user.ts";
import { lives } from "./lives.ts";
import { Managed } from "./managed.ts";
import { openWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const managed = (resource: AnyResource<PbsClient>) => new Managed(resource, world.client);

describe.each(lives)("$name", ({ resource, prepare, first, second, secrets, id, behind, drifted }) => {
  it("is created, found unchanged, found changed behind its back, updated, imported and deleted twice", async () => {
    await prepare?.(world.client);
    const one = await managed(resource).create(first);
    expect(one.id).toBe(id);
    expect(await one.drift()).toEqual([]);

    await behind(world.client);
    expect((await one.drift())?.map((change) => change.property)).toEqual(drifted ? [drifted] : []);

    await one.update(second);
    expect(await one.drift()).toEqual([]);
    await one.update(first);
    expect(await one.drift()).toEqual([]);

    expect(await managed(resource).import(id, secrets)).toEqual(one.inputs);

    await one.delete();
    expect(await one.read()).toBeUndefined();
    await one.delete();
  });
});

describe("creating what exists already", () => {
  it("names the import command", async () => {
    const job = { jobId: "twice", store: "vms", schedule: "daily", keepLast: 1 };
    await managed(pruneJob).create(job);
    await expect(managed(pruneJob).create(job)).rejects.toThrow(
      /prune job twice exists already on https:.*pulumi import pbs:index:PruneJob NAME 'twice'/,
    );
  });

  it("names it for a token too, whose words at the server differ", async () => {
    await managed(user).create({ userid: "double@pbs" });
    await managed(apiToken).create({ userid: "double@pbs", tokenName: "lab" });
    await expect(managed(apiToken).create({ userid: "double@pbs", tokenName: "lab" })).rejects.toThrow(
      /pulumi import pbs:index:ApiToken NAME 'double@pbs!lab'/,
    );
  });
});

describe("an API token", () => {
  it("keeps its secret, which works, through refresh and update", async () => {
    await managed(user).create({ userid: "secret@pbs" });
    const token = await managed(apiToken).create({ userid: "secret@pbs", tokenName: "lab" });
    const { value, tokenId } = token.outputs as { value: string; tokenId: string };
    expect(apiToken.secretOutputs).toEqual(["value"]);
    await token.update({ ...token.inputs, comment: "new" });
    expect(token.outputs).toEqual({ value, tokenId: "secret@pbs!lab" });
    expect((await world.clientOf(tokenId, value).get("/version")).data).toMatchObject({ version: "4.1" });
  });
});

describe("a user", () => {
  it("cannot be given another password by a token, and the message says what to do", async () => {
    const one = await managed(user).create({ userid: "pw@pbs", password: "old password" });
    await expect(one.update({ userid: "pw@pbs", password: "new password" })).rejects.toThrow(
      /no API token change one: set it with .*ignoreChanges/,
    );
    await expect(one.update({ userid: "pw@pbs", password: "new password" })).rejects.not.toThrow(
      /new password/,
    );
  });
});

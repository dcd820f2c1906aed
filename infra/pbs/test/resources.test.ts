import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AnyResource } from "../../provider/resource.ts";
import type { Properties } from "../../provider/values.ts";
import type { PbsClient } from "../client.ts";
import { acl } from "../resources/acl.ts";
import { apiToken } from "../resources/api-token.ts";
import { datastore } from "../resources/datastore.ts";
import { pruneJob } from "../resources/prune-job.ts";
import { user } from "../resources/user.ts";
import { verifyJob } from "../resources/verify-job.ts";
import { Managed, openWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const managed = (resource: AnyResource<PbsClient>) => new Managed(resource, world.client);
const store = { name: "vms", path: "/mnt/datastore/vms" };

interface Life {
  readonly name: string;
  readonly resource: AnyResource<PbsClient>;
  readonly prepare?: () => Promise<unknown>;
  readonly first: Properties;
  /** With a property changed and one removed. */
  readonly second: Properties;
  readonly id: string;
  readonly behind: (client: PbsClient) => Promise<unknown>;
  readonly drifted: string;
}

const lives: Life[] = [
  {
    name: "Datastore",
    resource: datastore,
    first: {
      ...store,
      comment: "virtual machines",
      gcSchedule: "sat 03:00",
      verifyNew: true,
      tuning: { syncLevel: "file", gcAtimeCutoff: 1500, chunkOrder: "none" },
      maintenanceMode: { type: "read-only", message: "moving, back at noon" },
    },
    second: { ...store, gcSchedule: "sun 03:00", tuning: { gcAtimeCutoff: 1600, chunkOrder: "none" } },
    id: "vms",
    behind: (client) => client.put("/config/datastore/vms", { "gc-schedule": "daily" }),
    drifted: "gcSchedule",
  },
  {
    name: "PruneJob",
    resource: pruneJob,
    first: {
      jobId: "vms-prune",
      store: "vms",
      schedule: "02:30",
      keepLast: 3,
      keepDaily: 7,
      ns: "lab",
      maxDepth: 2,
    },
    second: { jobId: "vms-prune", store: "vms", schedule: "02:30", keepDaily: 14, disable: true },
    id: "vms-prune",
    behind: (client) => client.put("/config/prune/vms-prune", { delete: ["keep-daily"] }),
    drifted: "keepDaily",
  },
  {
    name: "VerifyJob",
    resource: verifyJob,
    first: {
      jobId: "vms-verify",
      store: "vms",
      schedule: "weekly",
      outdatedAfter: 30,
      comment: "read it back",
    },
    second: {
      jobId: "vms-verify",
      store: "vms",
      schedule: "monthly",
      comment: "read it back",
      readThreads: 2,
    },
    id: "vms-verify",
    behind: (client) => client.put("/config/verify/vms-verify", { "ignore-verified": false }),
    drifted: "ignoreVerified",
  },
  {
    name: "User",
    resource: user,
    first: { userid: "pve@pbs", password: "correct horse", comment: "cluster", email: "lab@example.org" },
    second: { userid: "pve@pbs", password: "correct horse", comment: "the cluster", expire: 4102444800 },
    id: "pve@pbs",
    behind: (client) => client.put("/access/users/pve%40pbs", { enable: false }),
    drifted: "enable",
  },
  {
    name: "ApiToken",
    resource: apiToken,
    prepare: () => managed(user).create({ userid: "backup@pbs" }),
    first: { userid: "backup@pbs", tokenName: "lab", comment: "nodes" },
    second: { userid: "backup@pbs", tokenName: "lab", expire: 4102444800 },
    id: "backup@pbs!lab",
    behind: (client) => client.put("/access/users/backup%40pbs/token/lab", { comment: "others" }),
    drifted: "comment",
  },
  {
    name: "Acl",
    resource: acl,
    prepare: () => managed(user).create({ userid: "reader@pbs" }),
    first: { path: "/datastore/vms", roleId: "DatastoreReader", authId: "reader@pbs" },
    second: { path: "/datastore/vms", roleId: "DatastoreReader", authId: "reader@pbs", propagate: false },
    id: "/datastore/vms|reader@pbs|DatastoreReader",
    behind: (client) =>
      client.put("/access/acl", {
        path: "/datastore/vms",
        role: "DatastoreReader",
        "auth-id": "reader@pbs",
        propagate: false,
      }),
    drifted: "propagate",
  },
];

describe.each(lives)("$name", ({ resource, prepare, first, second, id, behind, drifted }) => {
  it("is created, found unchanged, found changed behind its back, updated, imported and deleted twice", async () => {
    await prepare?.();
    const one = await managed(resource).create(first);
    expect(one.id).toBe(id);
    expect(await one.drift()).toEqual([]);

    await behind(world.client);
    expect((await one.drift())?.map((change) => change.property)).toEqual([drifted]);

    await one.update(second);
    expect(await one.drift()).toEqual([]);
    await one.update(first);
    expect(await one.drift()).toEqual([]);

    const { password: _secret, ...visible } = one.inputs;
    expect(await managed(resource).import(id)).toEqual(visible);

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

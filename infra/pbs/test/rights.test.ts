import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AnyResource } from "../../provider/resource.ts";
import type { PbsClient } from "../client.ts";
import { acl } from "../resources/acl.ts";
import { apiToken } from "../resources/api-token.ts";
import { datastore } from "../resources/datastore.ts";
import { pruneJob } from "../resources/prune-job.ts";
import { user } from "../resources/user.ts";
import { adminToken, Managed, openWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const managed = (resource: AnyResource<PbsClient>) => new Managed(resource, world.client);

describe("missing rights", () => {
  async function tokenWith(
    name: string,
    grants: readonly [path: string, role: string][],
  ): Promise<PbsClient> {
    await managed(user).create({ userid: `${name}@pbs` });
    const token = await managed(apiToken).create({ userid: `${name}@pbs`, tokenName: "lab" });
    for (const [path, roleId] of grants) {
      for (const authId of [`${name}@pbs`, `${name}@pbs!lab`])
        await managed(acl).create({ path, roleId, authId });
    }
    return world.clientOf(`${name}@pbs!lab`, String(token.outputs.value));
  }

  it("are named where the server names none", async () => {
    const client = await tokenWith("poor", [["/datastore/x", "DatastoreBackup"]]);
    await expect(
      new Managed(datastore, client).create({ name: "forbidden", path: "/mnt/f" }),
    ).rejects.toThrow(
      /permission check failed; poor@pbs!lab needs Datastore.Allocate on \/datastore, both the token and its user \(role Admin\).*acl update \/datastore Admin --auth-id 'poor@pbs!lab'/,
    );
  });

  it("are named where the server names them", async () => {
    const client = await tokenWith("backup-only", [["/datastore", "DatastoreBackup"]]);
    const job = { jobId: "forbidden", store: "vms", schedule: "daily", keepLast: 1 };
    await expect(new Managed(pruneJob, client).create(job)).rejects.toThrow(
      /missing permissions 'Datastore.Modify' on '\/datastore\/vms'; backup-only@pbs!lab needs Datastore.Modify/,
    );
  });

  it("to see permissions are no removed permission", async () => {
    const client = await tokenWith("blind", [["/datastore", "DatastoreAdmin"]]);
    const one = new Managed(acl, client);
    await expect(one.import(`/|${adminToken}|Admin`)).rejects.toThrow(/needs Sys.Audit on \/access\/acl/);
  });

  it("of the user limit its token", async () => {
    await managed(user).create({ userid: "half@pbs" });
    const token = await managed(apiToken).create({ userid: "half@pbs", tokenName: "lab" });
    await managed(acl).create({ path: "/", roleId: "Admin", authId: "half@pbs!lab" });
    const client = world.clientOf("half@pbs!lab", String(token.outputs.value));
    expect((await client.get("/access/permissions", { path: "/" })).data).toEqual({});
    await managed(acl).create({ path: "/", roleId: "DatastoreAudit", authId: "half@pbs" });
    expect((await client.get("/access/permissions", { path: "/" })).data).toEqual({
      "/": { "Datastore.Audit": true },
    });
  });
});

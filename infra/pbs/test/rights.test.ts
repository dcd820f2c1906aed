import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { routes } from "../../../rehearsal/pbs/server.ts";
import type { AnyResource } from "../../provider/resource.ts";
import type { PbsClient } from "../client.ts";
import { privilegeHint } from "../privileges.ts";
import { acl } from "../resources/acl.ts";
import { apiToken } from "../resources/api-token.ts";
import { datastore } from "../resources/datastore.ts";
import { metricServer } from "../resources/metric-server.ts";
import { notificationMatcher } from "../resources/notification-matcher.ts";
import { notificationTarget } from "../resources/notification-target.ts";
import { pruneJob } from "../resources/prune-job.ts";
import { remote } from "../resources/remote.ts";
import { s3Endpoint } from "../resources/s3-endpoint.ts";
import { syncJob } from "../resources/sync-job.ts";
import { trafficControl } from "../resources/traffic-control.ts";
import { user } from "../resources/user.ts";
import { Managed } from "./managed.ts";
import { adminToken, openWorld, type World } from "./world.ts";

interface Refused {
  readonly resource: AnyResource<PbsClient>;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly needs: string;
  readonly role: string;
}

const s3 = { endpoint: "s3.example.org", accessKey: "AKIAEXAMPLE", secretKey: "a secret" };
const refused: [string, Refused][] = [
  [
    "Remote",
    {
      resource: remote,
      inputs: { name: "offsite", host: "pbs.example.org", authId: "sync@pbs", password: "a secret" },
      needs: "Remote.Modify on /remote",
      role: "RemoteAdmin",
    },
  ],
  [
    "S3Endpoint",
    {
      resource: s3Endpoint,
      inputs: { endpointId: "bucket", ...s3 },
      needs: "Sys.Modify on /system/s3-endpoint",
      role: "Admin",
    },
  ],
  [
    "NotificationTarget",
    {
      resource: notificationTarget,
      inputs: { name: "mail", type: "sendmail", mailto: ["lab@example.org"] },
      needs: "Sys.Modify on /system/notifications",
      role: "Admin",
    },
  ],
  [
    "NotificationMatcher",
    {
      resource: notificationMatcher,
      inputs: { name: "all" },
      needs: "Sys.Modify on /system/notifications",
      role: "Admin",
    },
  ],
  [
    "TrafficControl",
    {
      resource: trafficControl,
      inputs: { name: "office", network: ["192.0.2.0/24"] },
      needs: "Sys.Modify on /",
      role: "Admin",
    },
  ],
  [
    "MetricServer",
    {
      resource: metricServer,
      inputs: { name: "graph", type: "influxdb-udp", host: "influx.example.org:8089" },
      needs: "Sys.Modify on /",
      role: "Admin",
    },
  ],
];

/** The calls that a provider makes which the server's router refuses by itself: those about one object. */
const guarded = routes.flatMap(({ method, path, permission }) => {
  const ofOne = path.endsWith("}") || (method === "POST" && !path.endsWith("/test"));
  return permission && ofOne && !path.startsWith("/admin/") ? [{ method, path, permission }] : [];
});

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

  it.each(guarded)("are known for $method $path", ({ method, path, permission }) => {
    const values: Record<string, string> = { userid: "pve@pbs" };
    const fill = (text: string) =>
      text.replace(/\{([^}]+)\}/g, (_, name: string) => values[name] ?? "some-name");
    expect(privilegeHint(method, fill(path))).toEqual({
      privilege: permission.privilege,
      path: `/${permission.path.map(fill).join("/")}`,
    });
  });

  it("are named for every type that the router guards", async () => {
    const client = await tokenWith("stranger", []);
    for (const [type, { resource, inputs, needs, role }] of refused) {
      const creation = new Managed(resource, client).create(inputs);
      await expect(creation, type).rejects.toThrow(
        `permission check failed; stranger@pbs!lab needs ${needs}, both the token and its user (role ${role}): ` +
          `proxmox-backup-manager acl update ${needs.split(" ").at(-1)} ${role} --auth-id 'stranger@pbs!lab'`,
      );
    }
  });

  it("are named where either of two is enough", async () => {
    const client = await tokenWith("outsider", []);
    await expect(client.get("/admin/datastore/vms/snapshots")).rejects.toThrow(
      "permission check failed - missing Datastore.Audit|Datastore.Backup on /datastore/vms; " +
        "outsider@pbs!lab needs Datastore.Audit or Datastore.Backup on /datastore/vms, both the token and its user " +
        "(role DatastoreAudit): proxmox-backup-manager acl update /datastore/vms DatastoreAudit --auth-id 'outsider@pbs!lab'",
    );
    await expect(
      client.post("/admin/datastore/vms/prune", { "backup-type": "vm", "backup-id": "100", "dry-run": true }),
    ).rejects.toThrow(
      /missing .*\|.* on \/datastore\/vms; outsider@pbs!lab needs .* or .* on \/datastore\/vms/,
    );
  });

  it("for a sync job are told as far as they are known without the job", async () => {
    const client = await tokenWith("half-sync", [["/datastore", "DatastoreBackup"]]);
    const job = { jobId: "pull", store: "vms", remote: "offsite", remoteStore: "vms" };
    await expect(new Managed(syncJob, client).create(job)).rejects.toThrow(
      /permission check failed; half-sync@pbs!lab needs what the job itself needs.*Remote.Read on \/remote\/\{remote\}\/\{remoteStore\}/,
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

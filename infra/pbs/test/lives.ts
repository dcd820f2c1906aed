import type { AnyResource } from "../../provider/resource.ts";
import type { Properties } from "../../provider/values.ts";
import type { PbsClient } from "../client.ts";
import { acl } from "../resources/acl.ts";
import { apiToken } from "../resources/api-token.ts";
import { datastore } from "../resources/datastore.ts";
import { namespace } from "../resources/namespace.ts";
import { pruneJob } from "../resources/prune-job.ts";
import { user } from "../resources/user.ts";
import { verifyJob } from "../resources/verify-job.ts";
import { Managed } from "./world.ts";

const store = { name: "vms", path: "/mnt/datastore/vms" };

/** What happens to a resource from its creation to its end. */
export interface Life {
  readonly name: string;
  readonly resource: AnyResource<PbsClient>;
  readonly prepare?: (client: PbsClient) => Promise<unknown>;
  readonly first: Properties;
  /** With a property changed and one removed. */
  readonly second: Properties;
  readonly id: string;
  readonly behind: (client: PbsClient) => Promise<unknown>;
  /** Undefined where nothing of it can change. */
  readonly drifted: string | undefined;
}

/** One of each type. */
export const lives: Life[] = [
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
    prepare: (client) => new Managed(user, client).create({ userid: "backup@pbs" }),
    first: { userid: "backup@pbs", tokenName: "lab", comment: "nodes" },
    second: { userid: "backup@pbs", tokenName: "lab", expire: 4102444800 },
    id: "backup@pbs!lab",
    behind: (client) => client.put("/access/users/backup%40pbs/token/lab", { comment: "others" }),
    drifted: "comment",
  },
  {
    name: "Acl",
    resource: acl,
    prepare: (client) => new Managed(user, client).create({ userid: "reader@pbs" }),
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
  {
    name: "Namespace",
    resource: namespace,
    prepare: (client) => new Managed(datastore, client).create({ name: "spaces", path: "/mnt/spaces" }),
    first: { store: "spaces", ns: "lab" },
    second: { store: "spaces", ns: "lab", deleteGroups: true },
    id: "spaces/lab",
    behind: async () => undefined,
    drifted: undefined,
  },
];

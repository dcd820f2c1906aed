import { routes } from "../../../rehearsal/pbs/server.ts";
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
import { notificationLives } from "./lives-notifications.ts";
import { serviceLives } from "./lives-services.ts";
import { Managed } from "./managed.ts";

const store = { name: "vms", path: "/mnt/datastore/vms" };

/** What happens to a resource from its creation to its end. */
export interface Life {
  readonly name: string;
  readonly resource: AnyResource<PbsClient>;
  /** The API's path on which one is created. */
  readonly api: string;
  readonly prepare?: (client: PbsClient) => Promise<unknown>;
  readonly first: Properties;
  /** With a property changed and one removed. */
  readonly second: Properties;
  /** Of the first, what the server never shows. */
  readonly secrets?: Properties;
  readonly id: string;
  readonly behind: (client: PbsClient) => Promise<unknown>;
  /** Undefined where nothing of it can change. */
  readonly drifted: string | undefined;
  /** Another value for every property that can be changed at the server. */
  readonly others: Properties;
}

const basicLives: Life[] = [
  {
    name: "Datastore",
    api: "/config/datastore",
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
    others: {
      comment: "pictures",
      gcSchedule: "daily",
      verifyNew: false,
      tuning: { syncLevel: "none" },
      notificationMode: "legacy-sendmail",
      maintenanceMode: { type: "offline" },
    },
  },
  {
    name: "PruneJob",
    api: "/config/prune",
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
    others: {
      store: "pictures",
      schedule: "hourly",
      keepLast: 4,
      keepHourly: 24,
      keepDaily: 8,
      keepWeekly: 5,
      keepMonthly: 13,
      keepYearly: 2,
      ns: "lab/vms",
      maxDepth: 3,
      disable: true,
      comment: "of pictures",
    },
  },
  {
    name: "VerifyJob",
    api: "/config/verify",
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
    others: {
      store: "pictures",
      schedule: "monthly",
      ignoreVerified: false,
      outdatedAfter: 31,
      ns: "lab",
      maxDepth: 3,
      readThreads: 2,
      verifyThreads: 5,
      comment: "of pictures",
    },
  },
  {
    name: "User",
    api: "/access/users",
    resource: user,
    first: { userid: "pve@pbs", password: "correct horse", comment: "cluster", email: "lab@example.org" },
    secrets: { password: "correct horse" },
    second: { userid: "pve@pbs", password: "correct horse", comment: "the cluster", expire: 4102444800 },
    id: "pve@pbs",
    behind: (client) => client.put("/access/users/pve%40pbs", { enable: false }),
    drifted: "enable",
    others: {
      enable: false,
      expire: 4102444800,
      comment: "somebody",
      email: "somebody@example.org",
      firstname: "Vera",
      lastname: "Rubin",
    },
  },
  {
    name: "ApiToken",
    api: "/access/users/{userid}/token/{token-name}",
    resource: apiToken,
    prepare: (client) => new Managed(user, client).create({ userid: "backup@pbs" }),
    first: { userid: "backup@pbs", tokenName: "lab", comment: "nodes" },
    second: { userid: "backup@pbs", tokenName: "lab", expire: 4102444800 },
    id: "backup@pbs!lab",
    behind: (client) => client.put("/access/users/backup%40pbs/token/lab", { comment: "others" }),
    drifted: "comment",
    others: { enable: false, expire: 4102444800, comment: "somebody" },
  },
  {
    name: "Acl",
    api: "/access/acl",
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
    others: { propagate: false },
  },
  {
    name: "Namespace",
    api: "/admin/datastore/{store}/namespace",
    resource: namespace,
    prepare: (client) => new Managed(datastore, client).create({ name: "spaces", path: "/mnt/spaces" }),
    first: { store: "spaces", ns: "lab" },
    second: { store: "spaces", ns: "lab", deleteGroups: true },
    id: "spaces/lab",
    behind: async () => undefined,
    drifted: undefined,
    others: {},
  },
];

/** One of each type. */
export const allLives: Life[] = [...basicLives, ...serviceLives, ...notificationLives];

/** One of each type, those that the simulated server knows. */
export const lives: Life[] = allLives.filter(({ api }) => routes.some((route) => route.path === api));

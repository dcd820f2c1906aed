import { z } from "zod";
import { apiPath } from "../client.ts";
import { configResource } from "./config-object.ts";
import {
  authId,
  comment,
  jobId,
  maxDepth,
  namespace,
  objectName,
  rate,
  schedule,
  storeName,
} from "./values.ts";

const groupFilter = z
  .string()
  .regex(
    /^(?:(?:in|ex)clude:)?(?:type:(?:vm|ct|host)|group:(?:vm|ct|host)\/[A-Za-z0-9_][A-Za-z0-9._-]*|regex:.+)$/,
    'a group filter is "type:vm", "group:vm/100" or "regex:…", with "exclude:" before it to leave those out',
  )
  // The server does not write down what is meant anyway.
  .overwrite((text) => text.replace(/^include:/, ""));

/** When backups are copied between this server and another one, or between two datastores of this one. */
export const syncJobInputs = z.object({
  jobId,
  /** The datastore of this server. */
  store: storeName,
  ns: namespace.optional(),
  /** Where the other datastore is; without it, on this server. */
  remote: objectName.optional(),
  remoteStore: storeName,
  remoteNs: namespace.optional(),
  /** Whether backups come from the other datastore (pull) or go there (push). */
  syncDirection: z.enum(["pull", "push"], { error: 'syncDirection is "pull" or "push"' }).default("pull"),
  /** Without one the job runs only when started by hand. */
  schedule: schedule.optional(),
  /** Who owns what is pulled, or whose backups are pushed; by default root@pam. */
  owner: authId.optional(),
  /** Removes what the source no longer has, so that the copy is no protection against a deletion there. */
  removeVanished: z.boolean().default(false),
  maxDepth: maxDepth.optional(),
  /** Which groups are copied; by default all. */
  groupFilter: z.array(groupFilter).min(1, "leave an empty groupFilter out").optional(),
  /** Only that many of the newest snapshots of each group. */
  transferLast: z
    .int()
    .min(1, "transferLast is at least 1; leave it out so that every snapshot is copied")
    .optional(),
  /** Copies again what the last verification here found damaged. */
  resyncCorrupt: z.boolean().default(false),
  /** Only what was verified at the source. */
  verifiedOnly: z.boolean().default(false),
  /** Only what clients encrypted. */
  encryptedOnly: z.boolean().default(false),
  /** Starts when a removable datastore is mounted. */
  runOnMount: z.boolean().default(false),
  /** Unmounts the removable datastore at the end of a run that its mounting started. */
  unmountOnDone: z.boolean().default(false),
  /** Groups that are copied side by side. */
  workerThreads: z.int().min(1).max(32, "workerThreads is 1 to 32").default(1),
  rateIn: rate,
  rateOut: rate,
  /** What may be received at once before `rateIn` holds. */
  burstIn: rate,
  /** What may be sent at once before `rateOut` holds. */
  burstOut: rate,
  /** Key with which the server encrypts what it pushes. */
  activeEncryptionKey: objectName.optional(),
  /** Keys with which the server decrypts what it pulls. */
  associatedKey: z.array(objectName).min(1, "leave an empty associatedKey out").optional(),
  comment: comment.optional(),
});

export const syncJob = configResource({
  token: "pbs:index:SyncJob",
  kind: "sync job",
  file: "sync",
  inputs: syncJobInputs,
  identity: ["jobId"],
  checkTogether({ remote, remoteStore, remoteNs, store, ns, syncDirection }) {
    if (remote !== undefined) return [];
    if (syncDirection === "push") {
      return [{ property: "remote", reason: "a job that pushes needs the remote to which it pushes" }];
    }
    return remoteStore === store && remoteNs === ns
      ? [
          {
            property: "remoteStore",
            reason: `without a remote the job would copy ${store} onto itself; name a remote, another datastore or another namespace`,
          },
        ]
      : [];
  },
  idOf: (inputs) => inputs.jobId,
  createAt: (inputs) => ({ path: "/config/sync", parameters: { id: inputs.jobId } }),
  itemPath: (id) => apiPath`/config/sync/${id}`,
  identityOf: (id) => ({ jobId: id }),
});

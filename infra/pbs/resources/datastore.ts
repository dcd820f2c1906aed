import { z } from "zod";
import type { Properties } from "../../provider/values.ts";
import { apiPath } from "../client.ts";
import { objectCodec } from "./codecs.ts";
import { configResource } from "./config-object.ts";
import type { Codec } from "./property-map.ts";
import { byteSize, comment, objectName, schedule, storeName } from "./values.ts";

/** Options that the server keeps in one text. */
export const tuning = z.strictObject({
  /** Order in which chunks are read; "inode" suits spinning disks. Default inode. */
  chunkOrder: z.enum(["none", "inode"]).optional(),
  /** When written data is made durable. Default filesystem. */
  syncLevel: z.enum(["none", "file", "filesystem"]).optional(),
  /** Whether garbage collection first proves that the file system keeps access times. Default true. */
  gcAtimeSafetyCheck: z.boolean().optional(),
  /** Minutes for which an unused chunk is kept. Default 1445. */
  gcAtimeCutoff: z.int().min(1).max(2880, "gcAtimeCutoff is 1 to 2880 minutes").optional(),
  /** Chunks that garbage collection remembers to touch only once. Default 1048576. */
  gcCacheCapacity: z.int().min(0).max(8388608).optional(),
  defaultVerificationReaders: z.int().min(1).max(32).optional(),
  defaultVerificationWorkers: z.int().min(1).max(32).optional(),
});

const maintenanceMode = z.strictObject({
  type: z.enum(["read-only", "offline"]),
  /** Shown to everybody who meets the mode. */
  message: z
    .string()
    .max(64, "a maintenance message has at most 64 characters")
    .regex(/^[^\p{Cc}]*$/u)
    .optional(),
});

/** Where the chunks are, when they are not in the datastore's own folder. */
export const backend = z.strictObject({
  type: z.literal("s3", {
    error: 'a backend is of type "s3"; leave it out to keep the chunks in the folder',
  }),
  /** Id of the `S3Endpoint`. */
  client: objectName,
  /** It must exist. */
  bucket: z
    .string()
    .regex(
      /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
      "a bucket name has 3 to 63 small letters, digits, dots and hyphens",
    ),
  /** How much of the datastore's folder the cache may fill; by default all of it. */
  maxCacheSize: byteSize.optional(),
});

const requests = z.int().min(1, "a threshold is at least 1; leave it out for none").optional();

/** After how much use of the bucket, since the counters were reset, the server sends a notification. */
export const notificationThresholds = z.strictObject({
  s3Get: requests,
  s3Put: requests,
  s3Post: requests,
  s3Head: requests,
  s3Delete: requests,
  s3Upload: byteSize.optional(),
  s3Download: byteSize.optional(),
});

/** A place for backups. Retention is the prune jobs' matter: the server refuses it on a datastore. */
export const datastoreInputs = z.object({
  name: storeName,
  /** Folder on the server; it is made when it does not exist. With a backend, its cache. */
  path: z
    .string()
    .max(4096)
    .regex(/^\/[^\p{Cc}]*$/u, 'the path is absolute, for example "/mnt/datastore/vms"'),
  comment: comment.optional(),
  /**
   * When unused chunks are removed. Without it, what the server has is left alone: it may be the schedule of a
   * `GarbageCollection`, or none at all.
   */
  gcSchedule: schedule.optional(),
  /** Verifies every backup right after it was written. */
  verifyNew: z.boolean().default(false),
  tuning: tuning.refine((parts) => Object.keys(parts).length > 0, "leave an empty tuning out").optional(),
  /** By which of its two ways the server sends notifications about the datastore. */
  notificationMode: z.enum(["notification-system", "legacy-sendmail"]).default("notification-system"),
  /** Keeps clients from writing, or from reading too. */
  maintenanceMode: maintenanceMode.optional(),
  /** Keeps the chunks in a bucket. */
  backend: backend.optional(),
  /** For a datastore with a backend. */
  notificationThresholds: notificationThresholds
    .refine((parts) => Object.keys(parts).length > 0, "leave empty notificationThresholds out")
    .optional(),
  /** When the counters start again from 0; without it, never. For a datastore with a backend. */
  counterResetSchedule: schedule.optional(),
  /** On creation, takes over a folder that holds a datastore already. */
  reuseDatastore: z.boolean().default(false),
  /** On creation, takes over a bucket that another datastore, perhaps of another server, marked as its own. */
  overwriteInUse: z.boolean().default(false),
  /** On deletion, removes the backups too. */
  destroyData: z.boolean().default(false),
  /** On deletion, keeps the datastore's prune, verification and sync jobs and its permissions. */
  keepJobConfigs: z.boolean().default(true),
});

/** What the server tells of a new datastore. */
export const datastoreOutputs = z.object({
  /** What the server warned about when it made the datastore. */
  warnings: z.array(z.string()),
});

/** The server keeps the parts in an order of its own and leaves none out that it was given. */
export const tuningCodec = objectCodec(tuning);

const backendAsObject = objectCodec(backend);

/** The server may name the file system as the backend, or name none. */
const backendCodec: Codec = {
  ...backendAsObject,
  fromServer(value) {
    const found = backendAsObject.fromServer(value) as Properties;
    return found.type === "filesystem" ? undefined : found;
  },
};

const ofBackend = ["notificationThresholds", "counterResetSchedule", "overwriteInUse"] as const;

export const datastore = configResource({
  token: "pbs:index:Datastore",
  kind: "datastore",
  file: "datastore",
  inputs: datastoreInputs,
  identity: ["name"],
  checkTogether: (inputs) =>
    inputs.backend
      ? []
      : ofBackend
          .filter((property) => inputs[property] !== undefined && inputs[property] !== false)
          .map((property) => ({
            property,
            reason: `${property} is about the bucket of a datastore that has a backend; leave it out, or set backend`,
          })),
  immutable: ["path", "backend"],
  leftAlone: ["gcSchedule"],
  // Neither a name nor a folder can belong to two datastores at once.
  deleteBeforeReplace: true,
  unreadable: ["reuseDatastore", "overwriteInUse", "destroyData", "keepJobConfigs"],
  codecs: {
    tuning: tuningCodec,
    maintenanceMode: objectCodec(maintenanceMode, "type"),
    backend: backendCodec,
    notificationThresholds: objectCodec(notificationThresholds),
  },
  idOf: (inputs) => inputs.name,
  createAt: (inputs) => ({
    path: "/config/datastore",
    parameters: {
      name: inputs.name,
      "reuse-datastore": inputs.reuseDatastore || undefined,
      "overwrite-in-use": inputs.overwriteInUse || undefined,
    },
  }),
  itemPath: (id) => apiPath`/config/datastore/${id}`,
  identityOf: (id) => ({ name: id }),
  deleteParameters: ({ destroyData = false, keepJobConfigs = true }) => ({
    "destroy-data": destroyData,
    "keep-job-configs": keepJobConfigs,
  }),
  outputs: datastoreOutputs,
  outputsOf: (_, warnings) => ({ warnings }),
  outputsAfterRead: (_, recorded) => ({ warnings: recorded.warnings ?? [] }),
});

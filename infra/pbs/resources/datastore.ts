import { z } from "zod";
import { apiPath } from "../client.ts";
import { configResource } from "./config-object.ts";
import { coerce, parsePropertyString, printPropertyString, toCamel, toKebab } from "./properties.ts";
import type { Codec } from "./property-map.ts";
import { comment, schedule, storeName } from "./values.ts";

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

/** A place for backups. Retention is the prune jobs' matter: the server refuses it on a datastore. */
export const datastoreInputs = z.object({
  name: storeName,
  /** Folder on the server; it is made when it does not exist. */
  path: z
    .string()
    .max(4096)
    .regex(/^\/[^\p{Cc}]*$/u, 'the path is absolute, for example "/mnt/datastore/vms"'),
  comment: comment.optional(),
  /** When unused chunks are removed; without it, never. */
  gcSchedule: schedule.optional(),
  /** Verifies every backup right after it was written. */
  verifyNew: z.boolean().default(false),
  tuning: tuning.refine((parts) => Object.keys(parts).length > 0, "leave an empty tuning out").optional(),
  notificationMode: z.enum(["notification-system", "legacy-sendmail"]).default("notification-system"),
  maintenanceMode: maintenanceMode.optional(),
  /** On creation, takes over a folder that holds a datastore already. */
  reuseDatastore: z.boolean().default(false),
  /** On deletion, removes the backups too. */
  destroyData: z.boolean().default(false),
  /** On deletion, keeps the datastore's prune, verification and sync jobs and its permissions. */
  keepJobConfigs: z.boolean().default(true),
});

/** The server keeps the parts in an order of its own and leaves none out that it was given. */
export const tuningCodec: Codec = {
  toServer: (value) =>
    printPropertyString(
      Object.fromEntries(
        Object.entries(value as z.output<typeof tuning>).map(([name, part]) => [toKebab(name), part]),
      ),
    ),
  fromServer(value) {
    const shape: Record<string, z.ZodType> = tuning.shape;
    const parts = typeof value === "string" ? parsePropertyString(value) : (value as Record<string, unknown>);
    return Object.fromEntries(
      Object.entries(parts).map(([kebab, part]) => {
        const name = toCamel(kebab);
        return [name, coerce(shape[name] ?? z.string(), part)];
      }),
    );
  },
};

const maintenanceModeCodec: Codec = {
  toServer: (value) => printPropertyString(value as z.output<typeof maintenanceMode>),
  fromServer: (value) => (typeof value === "string" ? parsePropertyString(value, "type") : value),
};

export const datastore = configResource({
  token: "pbs:index:Datastore",
  kind: "datastore",
  file: "datastore",
  inputs: datastoreInputs,
  identity: ["name"],
  immutable: ["path"],
  // Neither a name nor a folder can belong to two datastores at once.
  deleteBeforeReplace: true,
  unreadable: ["reuseDatastore", "destroyData", "keepJobConfigs"],
  codecs: { tuning: tuningCodec, maintenanceMode: maintenanceModeCodec },
  idOf: (inputs) => inputs.name,
  createAt: (inputs) => ({
    path: "/config/datastore",
    parameters: { name: inputs.name, "reuse-datastore": inputs.reuseDatastore || undefined },
  }),
  itemPath: (id) => apiPath`/config/datastore/${id}`,
  identityOf: (id) => ({ name: id }),
  deleteParameters: ({ destroyData = false, keepJobConfigs = true }) => ({
    "destroy-data": destroyData,
    "keep-job-configs": keepJobConfigs,
  }),
  outputsOf: (_, warnings) => ({ warnings }),
  outputsAfterRead: (_, recorded) => ({ warnings: recorded.warnings ?? [] }),
});

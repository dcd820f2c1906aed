import * as z from "zod";

/** The cluster's API is written in Perl, which gives numbers as texts where they were last used as such. */
const number = z.union([z.number(), z.string().regex(/^-?\d+(\.\d+)?$/)]).transform(Number);
const flag = z
  .union([z.boolean(), z.literal([0, 1, "0", "1", ""])])
  .transform((value) => value === true || Number(value) === 1);
const name = z.union([z.string(), z.number()]).transform(String);

export const clusterStatus = z.array(
  z.looseObject({
    type: z.string(),
    name,
    online: flag.optional(),
    quorate: flag.optional(),
  }),
);

export const resources = z.array(
  z.looseObject({
    type: z.string(),
    node: name.optional(),
    name: name.optional(),
    vmid: number.optional(),
    status: z.string().optional(),
    template: flag.optional(),
    lock: z.string().optional(),
    storage: name.optional(),
    uptime: number.optional(),
    cpu: number.optional(),
    mem: number.optional(),
    maxmem: number.optional(),
    disk: number.optional(),
    maxdisk: number.optional(),
  }),
);

export const backupJobs = z.array(
  z.looseObject({
    id: name,
    type: z.string().optional(),
    enabled: flag.optional(),
    "next-run": number.optional(),
  }),
);

export const notBackedUp = z.array(z.looseObject({ vmid: number }));

export const clusterTasks = z.array(
  z.looseObject({
    upid: z.string(),
    id: name,
    starttime: number,
    endtime: number.optional(),
    status: z.string().optional(),
  }),
);

export const logLines = z.array(z.looseObject({ t: z.string() }));

export const datastores = z.array(z.looseObject({ store: z.string(), maintenance: z.string().optional() }));

export const usages = z.array(
  z.looseObject({
    store: z.string(),
    total: z.number().optional(),
    used: z.number().optional(),
    avail: z.number().optional(),
    "estimated-full-date": z.number().optional(),
    error: z.string().optional(),
  }),
);

export const collections = z.array(
  z.looseObject({
    store: z.string(),
    schedule: z.string().optional(),
    "last-run-state": z.string().optional(),
    "last-run-endtime": z.number().optional(),
    "next-run": z.number().optional(),
    duration: z.number().optional(),
    "removed-bytes": z.number(),
    "pending-bytes": z.number(),
    "disk-bytes": z.number(),
    "index-data-bytes": z.number(),
    "still-bad": z.number(),
  }),
);

export const jobs = z.array(
  z.looseObject({
    id: z.string(),
    store: z.string(),
    schedule: z.string().optional(),
    disable: z.boolean().optional(),
    "last-run-state": z.string().optional(),
    "last-run-endtime": z.number().optional(),
    "next-run": z.number().optional(),
  }),
);

export const backupServerTasks = z.array(
  z.looseObject({
    worker_type: z.string(),
    endtime: z.number().optional(),
    status: z.string().optional(),
  }),
);

export const namespaces = z.array(z.looseObject({ ns: z.string() }));

export const snapshots = z.array(
  z.looseObject({
    "backup-type": z.string(),
    "backup-id": z.string(),
    "backup-time": z.number(),
    size: z.number().optional(),
    protected: z.boolean(),
    files: z.array(z.looseObject({ filename: z.string(), "crypt-mode": z.string().optional() })),
    verification: z.looseObject({ state: z.enum(["ok", "failed"]), upid: z.string() }).nullish(),
  }),
);

export type ClusterStatus = z.output<typeof clusterStatus>;
export type Resources = z.output<typeof resources>;
export type BackupJobs = z.output<typeof backupJobs>;
export type ClusterTask = z.output<typeof clusterTasks>[number];
export type Datastores = z.output<typeof datastores>;
export type Usages = z.output<typeof usages>;
export type Collections = z.output<typeof collections>;
export type Jobs = z.output<typeof jobs>;
export type BackupServerTasks = z.output<typeof backupServerTasks>;
export type Snapshot = z.output<typeof snapshots>[number];

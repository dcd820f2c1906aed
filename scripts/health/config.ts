import * as z from "zod";

/** A limit that warns and one from which the component is failing. */
const limits = (warning: number, failing: number) =>
  z
    .strictObject({
      warning: z.number().positive().default(warning),
      failing: z.number().positive().default(failing),
    })
    .refine((limit) => limit.warning <= limit.failing, "warning must not be above failing")
    .prefault({});

const absolutePath = z.string().startsWith("/", "must be an absolute path");

/** What `dbkeeper health` holds the cluster and its host against. */
export const healthSchema = z
  .strictObject({
    /** Address on which `dbkeeper health serve` listens. Default 127.0.0.1; any other address needs `tls`. */
    address: z.union([z.ipv4(), z.ipv6()]).default("127.0.0.1"),
    /** Port on which it listens; 0 takes a free one. Default 9189. */
    port: z.int().min(0).max(65_535).default(9189),
    /** PEM files of the certificate and its key. Default: plain HTTP. */
    tls: z.strictObject({ certificateFile: absolutePath, keyFile: absolutePath }).optional(),
    /** How long a component may take to answer, in seconds, 1 to 60; then it is failing. Default 5. */
    deadlineSeconds: z.number().min(0.1).max(60).default(5),
    /** Age of the newest proven dump of each database, in hours. Default 26: a day, a run and a margin. */
    maximumDumpAgeHours: z.number().positive().default(26),
    /** Folders whose file systems are looked at, besides the one of the dumps. Default `/`. */
    disks: z.array(absolutePath).default(["/"]),
    /** Part of a file system that is used, in percent. Default 75 and 85. */
    diskPercent: limits(75, 85),
    /** Part of the host's memory that is not available, in percent. Default 80 and 90. */
    memoryPercent: limits(80, 90),
    /** Part of the server's connections that is in use, in percent. Default 80 and 95. */
    connectionsPercent: limits(80, 95),
    /** How far a standby is behind, in seconds. Default 10 and 30. */
    replicationLagSeconds: limits(10, 30),
    /** How long a statement has been waiting for a lock, in seconds. Default 30 and 300. */
    lockWaitSeconds: limits(30, 300),
    /** Part of the blocks that were not found in the server's own memory, in percent. Default 10 and 20. */
    bufferMissPercent: limits(10, 20),
  })
  .refine(({ address, tls }) => tls !== undefined || /^(127\.|::1$)/.test(address), {
    message: "an address that other hosts reach needs `tls`",
    path: ["address"],
  })
  .prefault({});

/** See {@link healthSchema}. */
export type HealthConfig = z.output<typeof healthSchema>;

/** See `limits`. */
export interface Limits {
  warning: number;
  failing: number;
}

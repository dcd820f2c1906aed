import { z } from "zod";
import { lockTimeoutSeconds } from "./locks.ts";

const aclEntry = z.strictObject({
  path: z.string().startsWith("/"),
  /** Privileges such as VM.Allocate; `all` stands for every one. */
  privileges: z.array(z.string()).min(1),
  propagate: z.boolean().default(true),
});

/** The simulator's configuration file. It holds token secrets, so keep it readable by its owner only. */
export const configSchema = z.strictObject({
  /** Eight hexadecimal digits, part of all names on this machine. */
  instanceId: z.string().regex(/^[0-9a-f]{8}$/),
  nodes: z
    .array(
      z.strictObject({
        name: z.string(),
        /** Default 8. */
        cpus: z.number().int().positive().default(8),
        /** How many disks it can make at once before others wait for its storage's lock; default any number. */
        parallelCreates: z.number().int().positive().optional(),
        /** How long making a guest's disks takes at least, in seconds. Default 0. */
        createSeconds: z.number().nonnegative().default(0),
        /** Default 32 GiB. */
        memoryBytes: z
          .number()
          .int()
          .positive()
          .default(32 * 2 ** 30),
      }),
    )
    .min(1),
  /**
   * What guests are: containers, or, where the machine cannot have any, records that take deliveries into a folder
   * over SSH at this port of their own address.
   */
  guests: z
    .discriminatedUnion("kind", [
      z.strictObject({ kind: z.literal("containers") }),
      z.strictObject({ kind: z.literal("records"), sshPort: z.number().int().min(0).max(65_535) }),
    ])
    .default({ kind: "containers" }),
  /** How long work waits for a lock. Default 10, as in the product. */
  lockTimeoutSeconds: z.number().positive().default(lockTimeoutSeconds),
  /** Proxmox bridge (vmbr0) → bridge on this machine. A guest on another one does not start. */
  bridges: z.record(z.string(), z.string()),
  /** Password of root@pam; without one root cannot log in. */
  rootPassword: z.string().min(8).optional(),
  tokens: z.array(
    z.strictObject({
      /** user@realm!tokenid */
      id: z.string().regex(/^[^@!\s]+@[^@!\s]+![^@!\s]+$/),
      secret: z.string().min(1),
      acl: z.array(aclEntry),
    }),
  ),
  /** Storages of a new cluster; later changes come through the API. Default `local` and `local-lvm`. */
  storages: z.array(z.looseObject({ storage: z.string(), type: z.string(), content: z.string() })).default([
    { storage: "local", type: "dir", path: "/var/lib/vz", content: "backup,import,iso,snippets,vztmpl" },
    { storage: "local-lvm", type: "lvmthin", thinpool: "data", vgname: "pve", content: "images,rootdir" },
  ]),
  /** PEM file with a CA that downloads trust besides the system's. */
  downloadCaFile: z.string().optional(),
});

/** See {@link configSchema}. */
export type SimulatorConfig = z.infer<typeof configSchema>;

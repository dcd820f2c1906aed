import { z } from "zod";
import {
  absolutePath,
  cidr,
  domainName,
  httpUrl,
  ipv4,
  label,
  port,
  positive,
  sha256,
  source,
} from "./primitives.ts";

const storageName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9._-]*[A-Za-z0-9]$/, "the name of a PVE storage, such as local-lvm");

/** The Proxmox VE cluster. */
export const proxmox = z.strictObject({
  nodes: z
    .array(
      z.strictObject({
        name: label,
        /** Management address. */
        address: ipv4,
      }),
    )
    .min(1, "at least one node"),
  /**
   * How many guests are made at once on one node. Small nodes wait for the lock of their storage, and what waits too
   * long fails. Default 2.
   */
  parallelCreatesPerNode: positive.default(2),
  storage: z
    .strictObject({
      /** Where downloaded images are kept: a storage with content type `import`. */
      images: storageName.default("local"),
      /** Where cloud-init user data is kept: a storage with content type `snippets`. */
      snippets: storageName.default("local"),
      /** Where guests' disks are made. */
      disks: storageName.default("local-lvm"),
    })
    .prefault({}),
});

/** The networks that guests are attached to, by name. */
export const networks = z.record(
  label,
  z.strictObject({
    cidr,
    /** Absent on a network without a way out. */
    gateway: ipv4.optional(),
    /** The PVE bridge. */
    bridge: z
      .string()
      .regex(/^[a-zA-Z][a-zA-Z0-9_]{0,14}$/, "a bridge name of at most 15 characters, such as vmbr0"),
    vlanId: z.int().min(1, "a VLAN id from 1 to 4094").max(4094, "a VLAN id from 1 to 4094").optional(),
    dnsServers: z.array(ipv4).default([]),
  }),
);

/** Disk images that guests are made from, by name. */
export const images = z.record(
  label,
  z.strictObject({
    url: httpUrl,
    /** Of the file at `url`; a changed image is a changed digest, never a silent one. */
    sha256,
    /** Under which it is stored; PVE tells the format by the ending. */
    fileName: z
      .string()
      .regex(/^[A-Za-z0-9._-]+\.(qcow2|raw|img)$/, "a file name ending in .qcow2, .raw or .img"),
  }),
);

const backup = z.discriminatedUnion("tool", [
  z.strictObject({
    tool: z.literal("pbs"),
    /** A key of `policies`. */
    policy: label,
  }),
  z.strictObject({
    /** Another product does it; the lab watches only that it happens. */
    tool: z.enum(["veeam", "iperius", "other"]),
    /** The longest time between two of its runs, in hours. */
    everyHours: positive,
    /** Where its run times are to be found, for the person who is woken. */
    evidence: z.string().min(1, "where the run times are to be found"),
  }),
  z.strictObject({
    tool: z.literal("none"),
    /** Why losing this guest is acceptable. */
    reason: z.string().min(10, "why losing this guest is acceptable, in a sentence"),
  }),
]);

/** One virtual machine. */
export const guest = z.strictObject({
  /** The VMID, unique in the cluster. */
  id: z
    .int("a VMID from 100 to 999999999")
    .min(100, "a VMID from 100 to 999999999")
    .max(999_999_999, "a VMID from 100 to 999999999"),
  name: label,
  /** A name of `proxmox.nodes`. */
  node: label,
  /** False for a guest that exists and is only protected and watched, not made. Default true. */
  managed: z.boolean().default(true),
  os: z.enum(["linux", "windows"]).default("linux"),
  /** A key of `images`; required for a managed guest. */
  image: label.optional(),
  /**
   * A higher number makes the guest anew from its image as it is now: everything on its disks is lost. A changed image
   * alone changes no guest. Default 1.
   */
  imageGeneration: positive.default(1),
  cores: positive.default(2),
  memoryMib: z.int().min(256, "at least 256 MiB").default(2048),
  diskGib: positive.default(16),
  /** A second disk for backups, so that dumps can never fill the system's own. */
  backupDisk: z
    .strictObject({ sizeGib: positive, mountPath: absolutePath.default("/mnt/backup") })
    .optional(),
  /** A key of `networks`. */
  network: label,
  address: ipv4,
  /** Guards against deletion, in PVE and in Pulumi. Default false. */
  protected: z.boolean().default(false),
  /** A key of `objectives`. */
  tier: label,
  backup,
  tags: z
    .array(z.string().regex(/^[a-z0-9][a-z0-9_-]*$/, "a tag of lower-case letters, digits, - and _"))
    .default([]),
});

/** Who may log in to the guests. */
export const access = z.strictObject({
  /** The account that deliveries and operators use; it has sudo. */
  adminUser: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,30}$/, "a Unix account name")
    .default("lab-admin"),
  /** Operators' public keys, besides the key that Pulumi makes for its deliveries. */
  authorizedKeys: z
    .array(
      z
        .string()
        .regex(
          /^(ssh-ed25519|ecdsa-sha2-\S+|ssh-rsa|sk-\S+) [A-Za-z0-9+/=]+( .*)?$/,
          "an OpenSSH public key line",
        ),
    )
    .default([]),
  /** Where the guests' SSH server listens, for networks in which 22 is closed or served by something else. Default 22. */
  sshPort: port.default(22),
  /**
   * From where SSH reaches the guests: the operators' networks and the machine that runs Pulumi. Default: the site's
   * own networks.
   */
  sshFrom: z
    .array(source)
    .min(1, "at least one address or network: nobody, Pulumi included, could reach the guests")
    .optional(),
});

export const domain = domainName;

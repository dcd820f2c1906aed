import { z } from "zod";
import {
  absolutePath,
  domainName,
  emailAddress,
  fingerprint,
  httpUrl,
  ipv4,
  label,
  pbsId,
  port,
  positive,
} from "./primitives.ts";

const keep = z.int("a whole number").min(1, "at least 1: leave a rule out instead of keeping 0").optional();

/** What must be reached after a loss, by tier. */
export const objectives = z.record(
  label,
  z.strictObject({
    /** Recovery point objective: the most recent data that may be lost, in hours. */
    rpoHours: positive,
    /** Recovery time objective: until the service is back, in hours. */
    rtoHours: positive,
  }),
);

/** Proxmox Backup Server. */
export const pbs = z.strictObject({
  host: domainName,
  address: ipv4,
  port: port.default(8007),
  /**
   * Has the host itself watched: node_exporter and a look at disks, datastores and package sources, delivered over SSH
   * with the stack's deploy key. Default: nothing is delivered to it.
   */
  hostChecks: z
    .strictObject({
      hostKey: z
        .string()
        .regex(
          /^(ssh-|ecdsa-)[a-z0-9-]+ [A-Za-z0-9+/]+=*( .*)?$/,
          "the line of the host's /etc/ssh/ssh_host_ed25519_key.pub",
        ),
      /** Root, or a user that may run `sudo -n`. */
      user: z
        .string()
        .regex(/^[a-z_][a-z0-9_-]{0,31}$/, "a Unix account name")
        .default("root"),
      sshPort: port.default(22),
    })
    .optional(),
  datastores: z.record(
    pbsId,
    z.strictObject({
      path: absolutePath,
      capacityGib: positive,
      /** PBS calendar event; pruned space returns a day after the run. */
      gcSchedule: z.string(),
      /** Whether each new snapshot is verified at once. Default true. */
      verifyNew: z.boolean().default(true),
      verify: z.strictObject({
        /** PBS calendar event. */
        schedule: z.string(),
        /** After this many days a verified snapshot is verified again. Default 30. */
        outdatedAfterDays: positive.default(30),
      }),
    }),
  ),
  /** Copies of backups on another PBS: taken from it, or put there. */
  sync: z
    .array(
      z.strictObject({
        /** Also the name of the remote; the password is the stack's secret `syncPassword-<id>`. */
        id: pbsId,
        /** A key of `retentions`: in its namespace the copies are put (pull), or lies what is copied (push). */
        retention: pbsId,
        direction: z.enum(["pull", "push"]).default("pull"),
        /** The other PBS. */
        remote: z.strictObject({
          host: domainName,
          port: port.default(8007),
          datastore: pbsId,
          /** In that datastore. Default: its root. */
          namespace: label.optional(),
          /** As whom this PBS logs in there: a token that may read (pull) or write (push) that namespace. */
          tokenId: z.string().regex(/^[^@!\s]+@[^@!\s]+![^@!\s]+$/, "a token id such as dr@pbs!sync"),
          /** Of the other server's certificate; absent where a known authority signed it. */
          fingerprint: fingerprint.optional(),
        }),
        /** PBS calendar event. */
        schedule: z.string(),
      }),
    )
    .default([]),
});

/** How long backups are kept, by name. Each has a namespace of its own, since PBS prunes by namespace. */
export const retentions = z.record(
  pbsId,
  z.strictObject({
    /** A key of `pbs.datastores`. */
    datastore: pbsId,
    namespace: label,
    /** PBS calendar event of the prune job. */
    pruneSchedule: z.string(),
    keepLast: keep,
    keepDaily: keep,
    keepWeekly: keep,
    keepMonthly: keep,
    keepYearly: keep,
  }),
);

/** When and how guests are backed up, by name. The name is the id of the job on PVE and stays when the schedule changes. */
export const policies = z.record(
  pbsId,
  z.strictObject({
    /** PVE calendar event, in the time zone of the nodes. */
    schedule: z.string(),
    /** A key of `retentions`. */
    retention: pbsId,
    /**
     * `snapshot` does not interrupt the guest and stores no memory (vzdump never does); the guest agent freezes the
     * file systems for it. Default snapshot.
     */
    mode: z.enum(["snapshot", "suspend", "stop"]).default("snapshot"),
    /** A run that takes longer is reported. */
    durationLimitMinutes: positive,
    /** Run as soon as possible what was missed while a node was off. Default true. */
    repeatMissed: z.boolean().default(true),
    /**
     * Pruning belongs to PBS alone: a second pruner on PVE could delete what PBS keeps. Written out only so that an
     * attempt is refused with the reason.
     */
    pruneOnPve: z
      .literal(
        false,
        "false: PBS prunes, by the retention; two pruners could each delete what the other keeps",
      )
      .default(false),
  }),
);

/** Smallest retention in days for which a class is billed (AWS, S3 storage classes). */
export const minimumDays = { STANDARD_IA: 30, GLACIER_IR: 90, GLACIER: 90, DEEP_ARCHIVE: 180 } as const;

const bucketName = z
  .string()
  .regex(
    /^(?=.{3,63}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?$/,
    "an S3 bucket name: 3 to 63 lower-case letters, digits and hyphens",
  );
const region = z.string().regex(/^[a-z]{2}(-[a-z]+)+-[0-9]$/, "an AWS region such as eu-central-1");

const bucket = z.strictObject({
  name: bucketName,
  /** GLACIER is S3 Glacier Flexible Retrieval: 3 to 5 hours to restore in the standard tier. */
  storageClass: z.enum(["STANDARD_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"]).default("GLACIER"),
  /** Days in the standard class before the transition. Default 0. */
  transitionAfterDays: z.int().min(0, "at least 0").default(0),
  /** Days after which an object expires. */
  retentionDays: positive,
  /** Days during which no version can be deleted (governance mode). */
  lockDays: positive,
  /** Who uploads: each writer is a user that may put objects and nothing else. */
  writers: z.array(label).min(1, "at least one writer"),
  /** A second bucket in another region that S3 copies every new version to, under the same lock. Default none. */
  replicateTo: z.strictObject({ region, name: bucketName }).optional(),
});

/** The off-site archive on S3. */
export const archive = z.strictObject({
  region,
  buckets: z.strictObject({ dumps: bucket, configuration: bucket, images: bucket }),
  /** The bucket of the access logs and the weekly inventories. */
  logs: z.strictObject({
    name: bucketName,
    /** Days after which logs and inventories expire. Default 365. */
    retentionDays: positive.default(365),
  }),
  /** Who is told that a restore from Glacier is complete; each must confirm the subscription. Default nobody. */
  restoreNotices: z
    .strictObject({
      emails: z.array(emailAddress).default([]),
      webhooks: z
        .array(
          httpUrl.refine(
            (url) => url.startsWith("https:"),
            "an https:// address: notices name what is archived",
          ),
        )
        .default([]),
    })
    .prefault({}),
});

import * as z from "zod";

const absolutePath = z.string().startsWith("/", "must be an absolute path");

/** Physical backups and WAL archiving through pgBackRest. */
export const walSchema = z.strictObject({
  /** The cluster's stanza in pgBackRest's configuration. */
  stanza: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, "use letters, digits, '.', '_' and '-'"),
  /** pgBackRest itself. Default: from PATH. */
  program: z.string().min(1).default("pgbackrest"),
  /** pgBackRest's configuration file. Default `/etc/pgbackrest/pgbackrest.conf`. */
  configFile: absolutePath.default("/etc/pgbackrest/pgbackrest.conf"),
  /** Folder of further configuration, where the secrets are. Default `/etc/pgbackrest/conf.d`. */
  includeDirectory: absolutePath.default("/etc/pgbackrest/conf.d"),
  /**
   * Role to connect as. Default: the cluster's role. The system user must be the owner of the data directory, because
   * physical backups read it, so it is often another one than for dumps.
   */
  role: z.string().min(1).optional(),
  /**
   * Where the history of drills and the lock of these commands are, beside the repository. Must exist. Default
   * `/mnt/backup/postgresql/wal`.
   */
  directory: absolutePath.default("/mnt/backup/postgresql/wal"),
  /** File for node_exporter's textfile collector. Default `/var/lib/node_exporter/textfile/dbkeeper-wal.prom`. */
  metricsFile: absolutePath.default("/var/lib/node_exporter/textfile/dbkeeper-wal.prom"),
  /** What the server's settings are to be. */
  settings: z
    .strictObject({
      /** Default: `pgbackrest` pushes to the stanza, with the configuration above. */
      archiveCommand: z.string().min(1).optional(),
      /** Longest time in seconds until a segment is switched. Default 300. */
      archiveTimeoutSeconds: z.int().min(1).default(300),
      /** Default 3. */
      maxWalSenders: z.int().min(0).default(3),
      /** WAL kept for standbys at least, in MiB. Default 512. */
      keepMib: z.int().min(0).default(512),
      /** The file that sets them; one set elsewhere is reported even where its value is right. Default: any. */
      file: absolutePath.optional(),
    })
    .prefault({}),
  /** What `wal backup` takes when it is not told. */
  backup: z
    .strictObject({
      /** Days after which a full backup is due, 1 to 366. Default 7. */
      fullEveryDays: z.int().min(1).max(366).default(7),
      /** Days after which a differential backup is due, 1 to 366. Default 1. */
      diffEveryDays: z.int().min(1).max(366).default(1),
    })
    .prefault({}),
  /** Age in seconds of a segment that waits for the archive, from which archiving is late. Default 900. */
  archiveDelaySeconds: z.int().min(1).default(900),
  /** How long a command waits for a segment to arrive in the archive, in seconds. Default 120. */
  archiveWaitSeconds: z.int().min(1).default(120),
  /** Restores that prove the archive. */
  drill: z
    .strictObject({
      /** Where scratch clusters are made; needs the cluster's size. Must exist. Default `/var/lib/dbkeeper-drill`. */
      directory: absolutePath.default("/var/lib/dbkeeper-drill"),
      /** Processes that restore, 1 to 64. Default 2. */
      processes: z.int().min(1).max(64).default(2),
      /** How long recovery may take, in seconds. Default 14400. */
      deadlineSeconds: z.int().min(1).default(14_400),
      /** Recovery time objective in seconds; a drill that takes longer fails. Default 14400 (four hours). */
      rtoSeconds: z.int().min(1).default(14_400),
      /**
       * Recovery point objective in seconds: how much older than its target the newest recovered row may be. A drill
       * that recovers nothing newer is no pass. Default 86400 (a day).
       */
      rpoSeconds: z.int().min(1).default(86_400),
    })
    .prefault({}),
});

/** The configuration of physical backups with every default filled in. */
export type WalConfig = z.output<typeof walSchema>;

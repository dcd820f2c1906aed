import { z } from "zod";
import { figureNames } from "../../alert-rules/thresholds.ts";
import { channels, grouping, heartbeat, maintenanceWindows, timeIntervals } from "./alerting.ts";
import { checks, dumpWriting, encryption, maintenance } from "./database-care.ts";
import { absolutePath, httpUrl, label, port, positive, sha256, source, sqlIdentifier } from "./primitives.ts";

/** A pinned binary: what is at `url` must have the digest. */
const binary = z.strictObject({
  version: z.string().min(1, "a version"),
  url: httpUrl,
  sha256,
  /** The path of the program inside the archive at `url`; absent where `url` is the program itself. */
  member: z.string().optional(),
});

/** Programs that no distribution carries in the version the lab needs. */
export const binaries = z
  .strictObject({
    /**
     * A server of one's own that has the files under their last name, for hosts without a way to the internet. The
     * digests stay those of the vendor: a mirror need not be trusted. Default: each from its own address.
     */
    mirror: httpUrl.optional(),
    node: binary,
    prometheus: binary,
    alertmanager: binary,
    nodeExporter: binary,
    postgresExporter: binary,
    /** Needed where a database has an `exporterHost`; 0.15 or newer, which asks several servers. */
    mysqldExporter: binary.optional(),
  })
  .transform(({ mirror, node, prometheus, alertmanager, nodeExporter, postgresExporter, mysqldExporter }) => {
    const from = (pinned: z.output<typeof binary>) =>
      mirror === undefined ? pinned : { ...pinned, url: mirrored(mirror, pinned.url) };
    return {
      node: from(node),
      prometheus: from(prometheus),
      alertmanager: from(alertmanager),
      nodeExporter: from(nodeExporter),
      postgresExporter: from(postgresExporter),
      ...(mysqldExporter === undefined ? {} : { mysqldExporter: from(mysqldExporter) }),
    };
  });

function mirrored(mirror: string, url: string): string {
  return `${mirror.replace(/\/+$/, "")}/${new URL(url).pathname.split("/").at(-1)}`;
}

/** One PostgreSQL cluster: a primary and its streaming standbys. */
const postgresCluster = z.strictObject({
  name: label,
  /** Major version. */
  version: z
    .int()
    .min(13, "a supported major version, 13 to 18")
    .max(18, "a supported major version, 13 to 18"),
  port: port.default(5432),
  /**
   * Where the server comes from: the distribution, or the PostgreSQL project's own archive, which has every major
   * version. Read at a guest's first boot. Default distribution.
   */
  packages: z.enum(["distribution", "pgdg"]).default("distribution"),
  /** A name of `guests`. */
  primary: label,
  /** Names of `guests`. */
  standbys: z.array(label).default([]),
  /** From where clients reach the port, besides the members of the cluster. Default: from nowhere. */
  clientsFrom: z.array(source).default([]),
  databases: z.array(sqlIdentifier).min(1, "at least one database"),
  roles: z.strictObject({
    /** Reads everything, owns nothing. */
    backup: sqlIdentifier,
    maintenance: sqlIdentifier,
    monitoring: sqlIdentifier,
    replication: sqlIdentifier,
  }),
  wal: z
    .strictObject({
      maxSenders: positive.default(3),
      /** WAL kept for standbys that fall behind. Default 512. */
      keepMib: positive.default(512),
      /** WAL that a standby's slot may hold back at most, so that one that stays away cannot fill the disk. Default 4096. */
      slotKeepMib: positive.default(4096),
    })
    .prefault({}),
  dump: z.strictObject({
    /** systemd calendar event, in the time zone of the host. */
    schedule: z.string().min(1, "a systemd calendar event such as *-*-* 03:00:00 UTC"),
    directory: absolutePath.default("/mnt/backup/postgresql"),
    keepDays: positive.default(30),
    jobs: positive.default(2),
    /** zstd level. Default 1. */
    compressionLevel: z
      .int()
      .min(1, "a zstd level from 1 to 19")
      .max(19, "a zstd level from 1 to 19")
      .default(1),
    /** A dump that takes longer is reported. Default 45. */
    durationLimitMinutes: positive.default(45),
    /**
     * What becomes of proven dumps in the archive's bucket of dumps, whose writers name the primary: `required` copies
     * each and removes none here before its copy is confirmed, `copied` removes by age alone, `none` copies nothing.
     * Default required.
     */
    offsite: z.enum(["required", "copied", "none"]).default("required"),
    ...dumpWriting,
  }),
  maintenance: maintenance.prefault({}),
  /** Default: dumps are not encrypted. */
  encryption: encryption.optional(),
  /** Default none. */
  checks: checks.default([]),
});

export const databases = z.strictObject({
  postgres: z.array(postgresCluster),
  /** Databases of other engines: watched by their exporters, not managed. */
  others: z
    .array(
      z.strictObject({
        /** A name of `guests`. */
        guest: label,
        engine: z.enum(["mysql", "mongodb", "rustydb"]),
        port,
        metricsPath: absolutePath.default("/metrics"),
        /**
         * A name of `guests`: the program runs the exporter there, for a database guest that it does not manage; MySQL
         * only, and `port` is the exporter's. Default: the database's guest has an exporter of its own.
         */
        exporterHost: label.optional(),
        /** Where the database itself listens; of use with `exporterHost` only. Default 3306. */
        databasePort: port.default(3306),
      }),
    )
    .default([]),
});

export const monitoring = z.strictObject({
  /** The name in `guests` of the host that runs Prometheus and Alertmanager. */
  host: label,
  scrapeIntervalSeconds: positive.default(15),
  evaluationIntervalSeconds: positive.default(15),
  /** How long Prometheus keeps samples, in days. Default 90. */
  retentionDays: positive.default(90),
  ports: z
    .strictObject({
      prometheus: port.default(9090),
      alertmanager: port.default(9093),
      node: port.default(9100),
      postgres: port.default(9187),
      /** Of use with `grafana.install` only. */
      grafana: port.default(3000),
    })
    .prefault({}),
  /** From where people and Grafana reach Prometheus and Alertmanager. Default: from where SSH does. */
  webFrom: z.array(source).min(1, "at least one address or network").optional(),
  channels,
  /** Default: nobody outside of the lab notices when its monitoring is dead. */
  heartbeat,
  timeIntervals,
  maintenanceWindows,
  grouping,
  grafana: z
    .strictObject({
      folder: z.string().min(1, "a folder title").default("Astronomy lab"),
      /**
       * Whether Grafana's server runs on the monitoring host, from Grafana's own package archive; set up at the guest's
       * first boot. Default false: there is one elsewhere, which the stack's settings name.
       */
      install: z.boolean().default(false),
    })
    .prefault({}),
  /** Alert when a database's last validated dump is older than this, in hours. Default 26: a day, a run and a margin. */
  maximumDumpAgeHours: positive.default(26),
  /**
   * Multiplies how long alerts wait, and the windows that they look at. Below 1 only where a lab is broken on purpose,
   * to see its alerts fire. Default 1.
   */
  pace: z
    .number()
    .positive("a number above 0: 1 for a lab that is used")
    .max(10, "a number up to 10: 1 for a lab that is used")
    .default(1),
  /** Figures of alerts that this site has of its own, by name (`./lab rules explain` names them). */
  thresholds: z
    .partialRecord(z.enum(figureNames), z.number("a number in the unit of the figure"))
    .default({}),
  /** Where people read runbooks: a page there is `<runbookUrl>/<alert>.md`. Default: the folder of the repository. */
  runbookUrl: z
    .string()
    .regex(/^\S+[^/\s]$/, "an address without a slash at its end")
    .default("runbooks"),
});

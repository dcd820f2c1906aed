import * as pulumi from "@pulumi/pulumi";
import type { DbkeeperConfig } from "../../scripts/config.ts";
import { type Contribution, plainFile } from "../hosts/contribution.ts";
import { textfileDirectory } from "../hosts/paths.ts";
import { renderUnit } from "../hosts/unit.ts";
import type { Guest, Objective, PostgresCluster } from "../site.ts";
import { type Account, type Job, jobUnits, onFailure, program, systemCalls } from "./jobs.ts";
import { serverUnit, settingsDirectory } from "./names.ts";
import {
  pgBackRestConfig,
  pgBackRestConfigFile,
  pgBackRestIncludeDirectory,
  pgBackRestSecrets,
  pgBackRestSecretsFile,
} from "./pgbackrest.ts";

/** After how many seconds a segment is archived though it is not full: what may be lost at most (B7). */
export const archiveTimeoutSeconds = 300;

const drillDirectory = "/var/lib/dbkeeper-drill";
const spoolDirectory = "/var/spool/pgbackrest";
const logDirectory = "/var/log/pgbackrest";

/** What is below the folder of the dumps, for the owner of the data directory. */
function folders({ dump }: PostgresCluster) {
  return { repository: `${dump.directory}/pgbackrest`, state: `${dump.directory}/wal` };
}

/** The runtime's part of the configuration for physical backups; drills are held against the primary's objectives. */
export function walConfiguration(
  cluster: PostgresCluster,
  objective: Objective | undefined,
): NonNullable<DbkeeperConfig["wal"]> {
  return {
    stanza: cluster.name,
    role: cluster.roles.backup,
    directory: folders(cluster).state,
    metricsFile: `${textfileDirectory}/dbkeeper-wal.prom`,
    settings: {
      archiveTimeoutSeconds,
      maxWalSenders: cluster.wal.maxSenders,
      keepMib: cluster.wal.keepMib,
      file: `${settingsDirectory}/postgresql.conf`,
    },
    drill: {
      directory: drillDirectory,
      ...(objective === undefined
        ? {}
        : { rtoSeconds: secondsOf(objective.rtoHours), rpoSeconds: secondsOf(objective.rpoHours) }),
    },
  };
}

function secondsOf(hours: number): number {
  return Math.round(hours * 3600);
}

export interface PhysicalBackupsArgs {
  readonly cluster: PostgresCluster;
  /** The primary. */
  readonly guest: Guest;
  /** Secret; of the repository. Without it no backup can be read: it is among the stack's outputs, for escrow. */
  readonly passphrase: pulumi.Input<string>;
}

/** WAL archiving and physical backups on a primary: pgBackRest with a repository of its own, and its timers. */
export function physicalBackups({ cluster, guest, passphrase }: PhysicalBackupsArgs): Contribution {
  const { repository, state } = folders(cluster);
  const own = (path: string) => ({ path, mode: "0750", owner: "postgres", group: "postgres" });
  const account: Account = {
    user: "postgres",
    writes: [repository, state, drillDirectory, spoolDirectory, logDirectory, textfileDirectory, "/tmp"],
    service: {
      SupplementaryGroups: "metrics",
      // Its locks lie there and are the same for the server, which archives.
      PrivateTmp: false,
      // The server's own shared memory is of this account too, and must never go with a job.
      RemoveIPC: false,
      // pgBackRest gives each file that it restores its owner, which without a capability can only be this account.
      SystemCallFilter: [...systemCalls, "@chown"],
    },
  };
  return {
    packages: ["pgbackrest"],
    directories: [
      { path: pgBackRestIncludeDirectory, mode: "0755", owner: "root", group: "root" },
      ...[repository, state, drillDirectory, spoolDirectory, logDirectory].map(own),
    ],
    files: [
      plainFile(
        pgBackRestConfigFile,
        pgBackRestConfig({
          stanza: cluster.name,
          dataDirectory: `/var/lib/postgresql/${cluster.version}/main`,
          port: cluster.port,
          socketDirectory: "/var/run/postgresql",
          role: cluster.roles.backup,
          cores: guest.cores,
          // The oldest that a distribution of the lab's hosts has.
          version: "2.44",
          repositoryPath: repository,
          retention: { days: cluster.dump.keepDays, differentials: 7 },
          spoolPath: spoolDirectory,
          logPath: logDirectory,
        }),
      ),
      {
        path: pgBackRestSecretsFile,
        content: pulumi.output(passphrase).apply((localPassphrase) => pgBackRestSecrets({ localPassphrase })),
        mode: "0600",
        owner: "postgres",
        group: "postgres",
        sensitive: true,
      },
    ],
    units: [
      {
        name: "dbkeeper-wal-setup.service",
        content: renderUnit({
          Unit: {
            Description: "Make the stanza of pgBackRest if there is none",
            After: `${serverUnit(cluster)} lab-postgres-roles.service`,
            Requires: "lab-postgres-roles.service",
            OnFailure: onFailure,
          },
          Service: {
            ...program(account, "wal setup"),
            // Busy: a backup or a drill is under way, so the stanza is there.
            SuccessExitStatus: "4",
            Type: "oneshot",
            RemainAfterExit: true,
            TimeoutStartSec: "10min",
          },
          Install: { WantedBy: "multi-user.target" },
        }),
      },
      ...jobs(cluster).flatMap((job) => jobUnits(cluster, job, account)),
    ],
  };
}

function jobs(cluster: PostgresCluster): readonly Job[] {
  // Whether there is a first backup its own job says, which fails where it cannot be taken.
  const onceThereIs = `${folders(cluster).repository}/backup/${cluster.name}/*F`;
  return [
    {
      name: "dbkeeper-wal-check",
      description: "Check the archiving of the write-ahead log",
      command: "wal check",
      schedule: "*:0/15",
      spreadSeconds: 60,
      limitMinutes: 10,
      onceThereIs,
      // They take hours, and wait for a check themselves.
      after: ["dbkeeper-wal-backup.service", "dbkeeper-wal-drill.service"],
    },
    {
      // Before the dumps of the night; it chooses by age which type is due.
      name: "dbkeeper-wal-backup",
      description: "Take the physical backup that is due",
      command: "wal backup",
      schedule: "*-*-* 23:00:00 UTC",
      spreadSeconds: 60,
      limitMinutes: 240,
      // A new host has nothing to recover from until it has a first one.
      afterBootSeconds: 60,
    },
    {
      name: "dbkeeper-wal-drill",
      description: "Restore the cluster to a random time and prove it",
      command: "wal drill --random",
      schedule: "Sat *-*-* 10:00:00 UTC",
      spreadSeconds: 600,
      limitMinutes: 300,
      onceThereIs,
    },
  ];
}

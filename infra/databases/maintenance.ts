import type { DbkeeperConfig } from "../../scripts/config.ts";
import type { Contribution } from "../hosts/contribution.ts";
import { textfileDirectory } from "../hosts/paths.ts";
import type { PostgresCluster } from "../site.ts";
import { type Account, type Job, jobUnits, validationUnit } from "./jobs.ts";
import { maintenanceUser, runtimeUser } from "./names.ts";

const directory = "/var/lib/dbkeeper-maintain";

/** The runtime's part of the configuration for maintenance. */
export function maintenanceConfiguration({
  maintenance: { windowMinutes, lockTimeoutSeconds },
  roles,
}: PostgresCluster): NonNullable<DbkeeperConfig["maintain"]> {
  return {
    role: roles.maintenance,
    directory,
    metricsFile: `${textfileDirectory}/dbkeeper-maintain.prom`,
    windowMinutes,
    lockTimeoutSeconds,
  };
}

/**
 * Vacuum, statistics and index care, on every member of a cluster: a standby has nothing to do until it is the primary.
 * By an account of its own, which reaches nothing but the server's socket: the one of the dumps speaks with the world,
 * and must not be able to change a table.
 */
export function maintenance(cluster: PostgresCluster, isPrimary: boolean): Contribution {
  const account: Account = {
    user: maintenanceUser,
    writes: [directory, textfileDirectory],
    service: {
      // The account of the dumps makes the reports, from what is written here.
      Group: runtimeUser,
      RestrictAddressFamilies: "AF_UNIX",
      IPAddressDeny: "any",
      RemoveIPC: true,
    },
  };
  return {
    // Of the group of the dumps' account, to see whether a backup is being made.
    users: [{ name: maintenanceUser, home: directory, groups: ["metrics", runtimeUser] }],
    directories: [{ path: directory, mode: "0750", owner: maintenanceUser, group: runtimeUser }],
    units: jobs(cluster, isPrimary).flatMap((job) => jobUnits(cluster, job, account)),
  };
}

function jobs({ maintenance: { windowMinutes } }: PostgresCluster, isPrimary: boolean): readonly Job[] {
  // What has begun when the window ends may go on: one large table takes its time.
  const common = { spreadSeconds: 300, limitMinutes: windowMinutes * 3 };
  const names = { daily: "dbkeeper-maintain-daily", weekly: "dbkeeper-maintain-weekly" };
  return [
    {
      ...common,
      name: names.daily,
      description: "Vacuum and analyze the tables that need it",
      command: "maintain daily",
      schedule: "*-*-* 04:00:00 UTC",
      after: ["dbkeeper.service"],
    },
    {
      ...common,
      name: names.weekly,
      description: "Vacuum and analyze every table and take care of bloated indexes",
      command: "maintain weekly",
      schedule: "Sun *-*-* 05:00:00 UTC",
      after: ["dbkeeper.service", `${names.daily}.service`],
    },
    {
      ...common,
      name: "dbkeeper-maintain-monthly",
      description: "Build every index anew, analyze every table and look for bloat",
      command: "maintain monthly",
      schedule: "Sun *-*-01..07 06:00:00 UTC",
      after: ["dbkeeper.service", `${names.daily}.service`, `${names.weekly}.service`],
      ...(isPrimary ? { inTheEnd: `${validationUnit}.service` } : {}),
    },
  ];
}

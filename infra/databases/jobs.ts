import type { HostUnit } from "../hosts/contribution.ts";
import { textfileDirectory } from "../hosts/paths.ts";
import { authorityPath } from "../hosts/tls.ts";
import { hardened, renderUnit, type UnitSections } from "../hosts/unit.ts";
import type { PostgresCluster } from "../site.ts";
import { archiveJob, archiveUnit } from "./archive.ts";
import { runtimeHome, runtimeUser, serverUnit } from "./names.ts";

/** The account that a unit runs as, and the folders that it may change. */
export interface Account {
  readonly user: string;
  readonly writes: readonly string[];
  /** Settings of the service that only this account's units have. */
  readonly service: Readonly<Record<string, string | boolean | readonly string[]>>;
}

/** What a timer starts. */
export interface Job {
  /** Of its units, without their endings. */
  readonly name: string;
  readonly description: string;
  /** Arguments of `dbkeeper`. */
  readonly command: string;
  /** systemd calendar event. Default: none, and no timer; another unit starts it. */
  readonly schedule?: string;
  /** So that not every host starts at the same moment. */
  readonly spreadSeconds: number;
  /** After which it is ended and has failed. */
  readonly limitMinutes: number;
  /** Also so long after the timer itself starts, which is after a delivery and at every boot. Default: not then. */
  readonly afterBootSeconds?: number;
  /** A path, with wildcards, before whose existence there is nothing to do. Default: none. */
  readonly onceThereIs?: string;
  /** Services that it waits for while they run. Default: none. */
  readonly after?: readonly string[];
  /** The service that each good end starts. Default: none. */
  readonly onSuccess?: string;
  /** The service that it starts whenever it ends, well or not. Default: none. */
  readonly inTheEnd?: string;
}

/** Proves the newest dump once more, after the maintenance of the month; without its ending. */
export const validationUnit = "dbkeeper-validate";

/**
 * What the runtime does by itself, and when: checks every hour and every six hours, a report every morning, with those
 * of the week and the month behind it.
 */
function jobs(cluster: PostgresCluster): readonly Job[] {
  const { dump } = cluster;
  const isArchived = dump.offsite !== "none";
  const check = { spreadSeconds: 300, limitMinutes: 10 };
  const report = { spreadSeconds: 60, limitMinutes: 10 };
  return [
    {
      name: "dbkeeper",
      description: "Dump every database and prove each dump by restoring it",
      command: "run",
      schedule: dump.schedule,
      spreadSeconds: 300,
      limitMinutes: dump.durationLimitMinutes * 4,
      ...(isArchived ? { onSuccess: `${archiveUnit}.service` } : {}),
    },
    ...(isArchived ? [archiveJob(cluster)] : []),
    {
      name: validationUnit,
      description: "Prove the newest dump once more by restoring it",
      command: "validate",
      spreadSeconds: 0,
      limitMinutes: dump.durationLimitMinutes * 4,
      onceThereIs: `${dump.directory}/full/${cluster.name}/*/manifest.json`,
    },
    {
      ...check,
      name: "dbkeeper-disk",
      description: "Look whether the dumps have room",
      command: "health --only disk",
      schedule: "hourly",
    },
    {
      ...check,
      name: "dbkeeper-folders",
      description: "Look whether the folders of the dumps are complete",
      command: "health --only folders",
      schedule: "*-*-* 00/6:00:00 UTC",
    },
    {
      ...report,
      name: "dbkeeper-report-daily",
      description: "Report on the dumps of the last day",
      command: "report daily",
      schedule: "*-*-* 08:00:00 UTC",
    },
    {
      ...report,
      name: "dbkeeper-report-weekly",
      description: "Report on the dumps of the last week",
      command: "report weekly",
      schedule: "Mon *-*-* 08:15:00 UTC",
    },
    {
      ...report,
      name: "dbkeeper-report-monthly",
      description: "Report on the dumps of the last month",
      command: "report monthly",
      schedule: "*-*-01 08:30:00 UTC",
    },
  ];
}

/** Started by a unit's failure, with the name of that unit. */
const failureHook = "dbkeeper-failed@.service";
export const onFailure = failureHook.replace("@.", "@%n.");

/** What tells people that a unit of the runtime failed. */
export function failureUnit(): HostUnit {
  const account: Account = { user: runtimeUser, writes: [runtimeHome], service: { RemoveIPC: true } };
  return {
    name: failureHook,
    content: renderUnit({
      Unit: { Description: "Tell people that %i failed" },
      Service: { ...program(account, "failed --unit %i"), Type: "oneshot", TimeoutStartSec: "5min" },
    }),
    enabled: false,
    state: "none",
  };
}

/** Every unit that looks after dumps. */
export function dumpUnits(cluster: PostgresCluster): HostUnit[] {
  const account: Account = {
    user: runtimeUser,
    writes: [cluster.dump.directory, runtimeHome, textfileDirectory],
    service: { RemoveIPC: true },
  };
  return [
    ...jobs(cluster).flatMap((job) => jobUnits(cluster, job, account)),
    {
      name: "dbkeeper-health.service",
      content: renderUnit({
        Unit: {
          Description: "Tell over HTTP whether the database server and its dumps are well",
          OnFailure: onFailure,
        },
        Service: {
          ...program(account, "health serve"),
          Restart: "on-failure",
          RestartSec: "5s",
        },
        Install: { WantedBy: "multi-user.target" },
      }),
    },
  ];
}

/** The service of a job and the timer that starts it. */
export function jobUnits(cluster: PostgresCluster, job: Job, account: Account): HostUnit[] {
  const { name, description, command, schedule, spreadSeconds, limitMinutes } = job;
  const { afterBootSeconds, onceThereIs, after = [], onSuccess, inTheEnd } = job;
  const onEnd = (...units: (string | undefined)[]) => units.filter((unit) => unit !== undefined).join(" ");
  const service: UnitSections = {
    Unit: {
      Description: description,
      After: [serverUnit(cluster), ...after].join(" "),
      OnFailure: onEnd(onFailure, inTheEnd),
      ...(onSuccess === undefined && inTheEnd === undefined ? {} : { OnSuccess: onEnd(onSuccess, inTheEnd) }),
      ...(onceThereIs === undefined ? {} : { ConditionPathExistsGlob: onceThereIs }),
    },
    Service: {
      ...program(account, command),
      Type: "oneshot",
      // A dump must never take the database's own share of the disk and the processor.
      Nice: 10,
      IOSchedulingClass: "idle",
      TimeoutStartSec: `${limitMinutes}min`,
    },
  };
  const unit: HostUnit = {
    name: `${name}.service`,
    content: renderUnit(service),
    enabled: false,
    state: "none",
  };
  if (schedule === undefined) return [unit];
  return [
    unit,
    {
      name: `${name}.timer`,
      content: renderUnit({
        Unit: { Description: description },
        Timer: {
          OnCalendar: schedule,
          ...(afterBootSeconds === undefined ? {} : { OnActiveSec: `${afterBootSeconds}s` }),
          Persistent: true,
          RandomizedDelaySec: `${spreadSeconds}s`,
        },
        Install: { WantedBy: "timers.target" },
      }),
    },
  ];
}

/** What a program of ours asks of the kernel. */
export const systemCalls: readonly string[] = ["@system-service", "~@privileged"];

/** How every unit runs the runtime: with no more of the host than it needs. */
export function program({ user, writes, service }: Account, command: string) {
  return {
    User: user,
    ExecStart: `/usr/local/bin/dbkeeper ${command}`,
    // Webhooks and the archive may be of the lab's own authority.
    Environment: `NODE_EXTRA_CA_CERTS=${authorityPath}`,
    UMask: "0027",
    ReadWritePaths: writes.join(" "),
    ...hardened,
    CapabilityBoundingSet: "",
    AmbientCapabilities: "",
    PrivateDevices: true,
    PrivateMounts: true,
    ProtectClock: true,
    ProtectHostname: true,
    ProtectKernelLogs: true,
    // No ProtectProc: a lock's holder may be of another account, and one that cannot be seen would count as gone.
    KeyringMode: "private",
    RestrictAddressFamilies: "AF_UNIX AF_INET AF_INET6",
    RestrictNamespaces: true,
    RestrictRealtime: true,
    SystemCallArchitectures: "native",
    // Node compiles while it runs, so memory that is written and then executed cannot be forbidden.
    SystemCallFilter: systemCalls,
    SystemCallErrorNumber: "EPERM",
    ...service,
  } as const;
}

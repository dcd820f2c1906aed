import type * as pulumi from "@pulumi/pulumi";
import type { DbkeeperConfig } from "../../scripts/config.ts";
import { type Contribution, executable, localFile, plainFile } from "../hosts/contribution.ts";
import { programDirectory, textfileDirectory } from "../hosts/paths.ts";
import type { PinnedBinary, PostgresCluster, Site } from "../site.ts";
import { failureUnit } from "./jobs.ts";
import { maintenanceConfiguration } from "./maintenance.ts";
import { runtimeHome, runtimeUser } from "./names.ts";
import { observationConfiguration } from "./observation.ts";
import type { ReportChannels } from "./reports.ts";

export interface RuntimeArgs {
  readonly cluster: PostgresCluster;
  readonly node: PinnedBinary;
  /** The path of the runtime, one JavaScript file. */
  readonly bundle: string;
  readonly monitoring: Pick<Site["monitoring"], "maximumDumpAgeHours">;
  readonly channels: ReportChannels["configuration"];
  /** What only the member that is dumped has. */
  readonly dumps?: DumpConfiguration | undefined;
}

/** Parts of the configuration that only the member has which is dumped. */
export interface DumpConfiguration extends Pick<DbkeeperConfig, "archive" | "wal"> {
  readonly encryption?: pulumi.Output<DbkeeperConfig["encryption"]>;
}

/** The runtime on a member of a cluster: the program, its configuration, and what tells people of failures. */
export function backupRuntime(args: RuntimeArgs): Contribution {
  const { node, bundle, dumps } = args;
  return {
    users: [{ name: runtimeUser, home: runtimeHome, groups: ["metrics"] }],
    directories: [
      { path: runtimeHome, mode: "0750", owner: runtimeUser, group: runtimeUser },
      { path: "/etc/dbkeeper", mode: "0755", owner: "root", group: "root" },
    ],
    files: [
      executable(`${programDirectory}/node`, node),
      localFile("/opt/lab/dbkeeper/dbkeeper.mjs", bundle),
      {
        path: "/usr/local/bin/dbkeeper",
        content: `#!/bin/sh\nexec ${programDirectory}/node /opt/lab/dbkeeper/dbkeeper.mjs "$@"\n`,
        mode: "0755",
        owner: "root",
        group: "root",
      },
      plainFile(
        "/etc/dbkeeper/config.json",
        dumps?.encryption === undefined
          ? configuration(args, undefined)
          : dumps.encryption.apply((encryption) => configuration(args, encryption)),
      ),
    ],
    units: [failureUnit()],
  };
}

function configuration(
  { cluster, monitoring, channels, dumps = {} }: RuntimeArgs,
  encryption: DbkeeperConfig["encryption"],
): string {
  const { checks, dump, roles } = cluster;
  const { archive, wal } = dumps;
  const config: DbkeeperConfig = {
    cluster: { name: cluster.name, port: cluster.port, role: roles.backup },
    databases: dump.databases ?? cluster.databases,
    directory: dump.directory,
    compression: { zstdLevel: dump.compressionLevel },
    dump: { format: dump.format },
    jobs: dump.jobs,
    lockWaitTimeoutSeconds: dump.lockWaitTimeoutSeconds,
    minimumFreeBytes: dump.minimumFreeGib * 1024 ** 3,
    ...(encryption === undefined ? {} : { encryption }),
    retention: { keepDays: dump.keepDays, requireOffsite: dump.offsite === "required" },
    metricsFile: `${textfileDirectory}/dbkeeper.prom`,
    health: { maximumDumpAgeHours: monitoring.maximumDumpAgeHours },
    maintain: maintenanceConfiguration(cluster),
    observe: observationConfiguration(cluster),
    checks,
    ...(wal === undefined ? {} : { wal }),
    ...(archive === undefined ? {} : { archive }),
    channels,
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

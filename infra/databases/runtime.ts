import { type Contribution, executable, localFile, plainFile } from "../hosts/contribution.ts";
import { programDirectory, textfileDirectory } from "../hosts/paths.ts";
import type { PinnedBinary, PostgresCluster, Site } from "../site.ts";
import { archiveConfiguration, archiveFiles, type OffsiteArgs } from "./archive.ts";
import { runtimeUnits } from "./jobs.ts";
import { runtimeUser } from "./names.ts";
import { walConfiguration } from "./physical-backups.ts";
import type { ReportChannels } from "./reports.ts";

export interface RuntimeArgs {
  readonly cluster: PostgresCluster;
  readonly node: PinnedBinary;
  /** The path of the runtime, one JavaScript file. */
  readonly bundle: string;
  readonly monitoring: Pick<Site["monitoring"], "maximumDumpAgeHours">;
  readonly channels: ReportChannels["configuration"];
  /** Absent where the dumps stay on the host. */
  readonly offsite: OffsiteArgs | undefined;
}

/** The backup runtime on a database host: it dumps every database, proves each dump by restoring it, and says so. */
export function backupRuntime(args: RuntimeArgs): Contribution {
  const { cluster, node, bundle, monitoring, channels, offsite } = args;
  const { dump, roles } = cluster;
  return {
    packages: ["zstd"],
    users: [{ name: runtimeUser, home: "/var/lib/dbkeeper", groups: ["metrics"] }],
    directories: [
      { path: "/var/lib/dbkeeper", mode: "0750", owner: runtimeUser, group: runtimeUser },
      // The owner of the data directory has folders of its own below.
      { path: dump.directory, mode: "0751", owner: runtimeUser, group: runtimeUser },
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
        `${JSON.stringify(
          {
            cluster: { name: cluster.name, port: cluster.port, role: roles.backup },
            databases: cluster.databases,
            directory: dump.directory,
            compression: { zstdLevel: dump.compressionLevel },
            jobs: dump.jobs,
            retention: { keepDays: dump.keepDays, requireOffsite: dump.offsite === "required" },
            metricsFile: `${textfileDirectory}/dbkeeper.prom`,
            health: { maximumDumpAgeHours: monitoring.maximumDumpAgeHours },
            wal: walConfiguration(cluster),
            ...(offsite === undefined ? {} : { archive: archiveConfiguration(offsite) }),
            channels,
          },
          undefined,
          2,
        )}\n`,
      ),
      ...(offsite === undefined ? [] : archiveFiles(offsite)),
    ],
    units: runtimeUnits(cluster),
  };
}

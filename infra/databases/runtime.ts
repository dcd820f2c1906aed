import { type Contribution, executable, localFile, plainFile } from "../hosts/contribution.ts";
import { programDirectory, textfileDirectory } from "../hosts/paths.ts";
import { hardened, renderUnit } from "../hosts/unit.ts";
import type { PinnedBinary, PostgresCluster } from "../site.ts";
import { runtimeUser, serverUnit } from "./names.ts";

export interface RuntimeArgs {
  readonly cluster: PostgresCluster;
  readonly node: PinnedBinary;
  /** The path of the runtime, one JavaScript file. */
  readonly bundle: string;
}

/** The backup runtime on a database host: it dumps every database, proves each dump by restoring it, and says so. */
export function backupRuntime({ cluster, node, bundle }: RuntimeArgs): Contribution {
  const { dump, roles } = cluster;
  return {
    packages: ["zstd"],
    users: [{ name: runtimeUser, home: "/var/lib/dbkeeper", groups: ["metrics"] }],
    directories: [
      { path: "/var/lib/dbkeeper", mode: "0750", owner: runtimeUser, group: runtimeUser },
      { path: dump.directory, mode: "0750", owner: runtimeUser, group: runtimeUser },
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
            retention: { keepDays: dump.keepDays },
            metricsFile: `${textfileDirectory}/dbkeeper.prom`,
          },
          undefined,
          2,
        )}\n`,
      ),
    ],
    units: [
      {
        name: "dbkeeper.service",
        content: renderUnit({
          Unit: {
            Description: "Dump every database and prove each dump by restoring it",
            After: serverUnit(cluster),
          },
          Service: {
            Type: "oneshot",
            User: runtimeUser,
            ExecStart: "/usr/local/bin/dbkeeper run",
            // A dump must never take the database's own share of the disk and the processor.
            Nice: 10,
            IOSchedulingClass: "idle",
            TimeoutStartSec: `${dump.durationLimitMinutes * 4}min`,
            ReadWritePaths: `${dump.directory} /var/lib/dbkeeper ${textfileDirectory}`,
            UMask: "0027",
            ...hardened,
          },
        }),
        enabled: false,
        state: "none",
      },
      {
        name: "dbkeeper.timer",
        content: renderUnit({
          Unit: { Description: "Daily database backup" },
          Timer: { OnCalendar: dump.schedule, Persistent: true, RandomizedDelaySec: "5min" },
          Install: { WantedBy: "timers.target" },
        }),
      },
    ],
  };
}

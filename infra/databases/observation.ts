import type { DbkeeperConfig } from "../../scripts/config.ts";
import type { Contribution } from "../hosts/contribution.ts";
import { textfileDirectory } from "../hosts/paths.ts";
import { renderUnit } from "../hosts/unit.ts";
import type { PostgresCluster } from "../site.ts";
import { type Account, program } from "./jobs.ts";
import { logDirectory, observerUser, serverLog, serverUnit, settingsDirectory } from "./names.ts";

const directory = "/var/lib/dbkeeper-observe";
const unit = "dbkeeper-observe";

/** The runtime's part of the configuration for looking at the server. */
export function observationConfiguration(cluster: PostgresCluster): NonNullable<DbkeeperConfig["observe"]> {
  const debian = `/etc/postgresql/${cluster.version}/main`;
  return {
    role: cluster.roles.monitoring,
    directory,
    metricsFile: `${textfileDirectory}/dbkeeper-observe.prom`,
    logFile: serverLog(cluster),
    settingsFiles: [
      `${debian}/postgresql.conf`,
      `${debian}/conf.d/lab.conf`,
      `${settingsDirectory}/postgresql.conf`,
    ],
  };
}

/**
 * Looks at the server once a minute, on every member of a cluster, for what alerts need. By an account of its own, which
 * reaches the server's socket as the monitoring role and reads its log, and nothing else that is anybody's.
 */
export function observation(cluster: PostgresCluster): Contribution {
  const account: Account = {
    user: observerUser,
    writes: [directory, textfileDirectory],
    service: {
      RestrictAddressFamilies: "AF_UNIX",
      IPAddressDeny: "any",
      RemoveIPC: true,
      // The group that may read logs, and no log but this server's.
      SupplementaryGroups: "adm",
      TemporaryFileSystem: "/var/log:ro",
      BindReadOnlyPaths: `-${logDirectory}`,
    },
  };
  const description = "Look at the database server and its log for the metrics that alerts need";
  return {
    users: [{ name: observerUser, home: directory, groups: ["metrics"] }],
    directories: [{ path: directory, mode: "0750", owner: observerUser, group: observerUser }],
    units: [
      {
        name: `${unit}.service`,
        content: renderUnit({
          // No OnFailure=: what it cannot see is in its metrics, every minute, and an alert rule tells people once.
          Unit: { Description: description, After: serverUnit(cluster) },
          Service: {
            ...program(account, "observe"),
            Type: "oneshot",
            TimeoutStartSec: "50s",
            // That it has started and ended each minute says nothing; what it writes itself does.
            SyslogLevel: "notice",
            LogLevelMax: "notice",
          },
        }),
        enabled: false,
        state: "none",
      },
      {
        name: `${unit}.timer`,
        content: renderUnit({
          Unit: { Description: description },
          Timer: { OnCalendar: "minutely", AccuracySec: "1s", RandomizedDelaySec: "5s" },
          Install: { WantedBy: "timers.target" },
        }),
      },
    ],
  };
}

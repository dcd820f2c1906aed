import { readFileSync } from "node:fs";
import type { Site } from "../site.ts";
import { type Contribution, plainFile } from "./contribution.ts";
import { textfileDirectory } from "./paths.ts";
import { hardened, renderUnit } from "./unit.ts";

/** The host of Proxmox Backup Server, where the site has it checked. */
export interface BackupHost {
  /** As metrics and alerts name it: its host name without the domain. */
  readonly name: string;
  /** What its certificate is for. */
  readonly fullName: string;
  readonly address: string;
  readonly connection: NonNullable<Site["pbs"]["hostChecks"]>;
  /** Path by datastore. */
  readonly datastores: Readonly<Record<string, string>>;
}

/** Undefined where nothing is delivered to the host. */
export function backupHost({ pbs }: Pick<Site, "pbs">): BackupHost | undefined {
  if (!pbs.hostChecks) return undefined;
  return {
    name: pbs.host.split(".")[0] ?? pbs.host,
    fullName: pbs.host,
    address: pbs.address,
    connection: pbs.hostChecks,
    datastores: Object.fromEntries(Object.entries(pbs.datastores).map(([name, { path }]) => [name, path])),
  };
}

const service = "lab-backup-host-checks";
const program = "/usr/local/lib/lab/backup-host-checks";
const configurationPath = "/etc/lab/backup-host-checks.json";

/**
 * What the owner of a small backup server wants to know before it is too late and node_exporter does not tell. Clock,
 * memory errors, space and services it tells by itself.
 */
export function backupHostChecks({ datastores }: Pick<BackupHost, "datastores">): Contribution {
  const configuration = {
    datastores,
    aptSources: "/etc/apt/sources.list.d",
    aptLists: "/var/lib/apt/lists",
  };
  return {
    packages: ["smartmontools"],
    files: [
      plainFile(program, readFileSync(new URL("backup-host-checks.py", import.meta.url), "utf8")),
      plainFile(configurationPath, `${JSON.stringify(configuration, undefined, 2)}\n`),
    ],
    units: [
      {
        name: `${service}.service`,
        content: renderUnit({
          Unit: { Description: "Look at the disks, datastores and package sources of this host" },
          Service: {
            Type: "oneshot",
            // Only root may ask disks for their health.
            ExecStart: `/usr/bin/python3 -I -B ${program} ${configurationPath} ${textfileDirectory}/backup-host.prom`,
            ReadWritePaths: textfileDirectory,
            TimeoutStartSec: "10min",
            ...hardened,
          },
        }),
        enabled: false,
        state: "none",
      },
      {
        name: `${service}.timer`,
        content: renderUnit({
          Unit: { Description: "Look at this host every quarter of an hour" },
          Timer: { OnBootSec: "1min", OnActiveSec: "1s", OnUnitActiveSec: "15min" },
          Install: { WantedBy: "timers.target" },
        }),
      },
    ],
  };
}

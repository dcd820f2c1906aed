import * as pulumi from "@pulumi/pulumi";
import type { ProxwatchConfig } from "../../scripts/proxmox/config.ts";
import type { WatchToken } from "../backup/watch-token.ts";
import { type Contribution, executable, type HostFile, localFile, plainFile } from "../hosts/contribution.ts";
import { programDirectory, textfileDirectory } from "../hosts/paths.ts";
import { hardened, renderUnit } from "../hosts/unit.ts";
import type { Settings } from "../settings.ts";
import type { Site } from "../site.ts";

const user = "proxwatch";
const directory = "/etc/proxwatch";
const home = "/var/lib/proxwatch";
/** How often backups and the logs of backup runs are listed, at a pace of 1. */
const slowIntervalSeconds = 300;
const authorityPath = `${directory}/pve-authority.pem`;

export interface ProxwatchArgs {
  readonly site: Site;
  readonly watch: {
    /** The path of the program, one JavaScript file. */
    readonly bundle: string;
    readonly proxmox: Pick<
      Settings["proxmox"],
      "endpoint" | "certificateAuthority" | "watchTokenId" | "watchTokenSecret"
    >;
    readonly pbs: Pick<Settings["pbs"], "endpoint" | "fingerprint">;
    readonly pbsToken: WatchToken;
    /** When the kept key of each storage was checked, as Unix time in seconds. */
    readonly keyEscrow: pulumi.Input<Readonly<Record<string, number>>>;
  };
  /** Whether another part of the program delivers Node.js to the host. */
  readonly hasNode: boolean;
}

/** What looks every minute whether the cluster and the backup server do what the program has told them to. */
export function proxwatch(args: ProxwatchArgs): Contribution {
  const { site, hasNode } = args;
  const { bundle, proxmox, pbsToken, keyEscrow } = args.watch;
  const authority = proxmox.certificateAuthority;
  return {
    users: [{ name: user, home, groups: ["metrics"] }],
    directories: [
      { path: directory, mode: "0755", owner: "root", group: "root" },
      { path: home, mode: "0750", owner: user, group: user },
    ],
    files: [
      ...(hasNode ? [] : [executable(`${programDirectory}/node`, site.binaries.node)]),
      localFile("/opt/lab/proxwatch/proxwatch.mjs", bundle),
      {
        path: "/usr/local/bin/proxwatch",
        content: `#!/bin/sh\nexec ${programDirectory}/node /opt/lab/proxwatch/proxwatch.mjs "$@"\n`,
        mode: "0755",
        owner: "root",
        group: "root",
      },
      plainFile(
        `${directory}/config.json`,
        pulumi
          .all([pbsToken.tokenId, keyEscrow])
          .apply(([tokenId, checks]) => configuration(args, tokenId, checks)),
      ),
      ...(authority === undefined ? [] : [plainFile(authorityPath, authority)]),
      tokenFile("pve", proxmox.watchTokenSecret),
      tokenFile("pbs", pbsToken.secret),
    ],
    units: [
      {
        name: "proxwatch.service",
        content: renderUnit({
          Unit: {
            Description: "Look whether the cluster and the backup server do what they were told to",
            After: "network-online.target",
            Wants: "network-online.target",
          },
          Service: {
            Type: "oneshot",
            User: user,
            ExecStart: "/usr/local/bin/proxwatch",
            // What could not be read is in the metrics; it is no failure of this host.
            SuccessExitStatus: "5 8",
            TimeoutStartSec: "5min",
            ReadWritePaths: `${textfileDirectory} ${home}`,
            UMask: "0022",
            ...hardened,
          },
        }),
        enabled: false,
        state: "none",
      },
      {
        name: "proxwatch.timer",
        content: renderUnit({
          Unit: { Description: "Look at the cluster and the backup server every minute" },
          Timer: { OnActiveSec: "1s", OnCalendar: "minutely", AccuracySec: "1s" },
          Install: { WantedBy: "timers.target" },
        }),
      },
    ],
  };
}

/** Read at every run: a change needs no restart. */
function tokenFile(server: "pve" | "pbs", secret: pulumi.Input<string>): HostFile {
  return {
    path: `${directory}/${server}-token`,
    content: pulumi.output(secret).apply((text) => `${text}\n`),
    mode: "0600",
    owner: user,
    group: user,
    sensitive: true,
  };
}

function configuration(
  { site, watch: { proxmox, pbs } }: ProxwatchArgs,
  pbsTokenId: string,
  keyEscrow: Readonly<Record<string, number>>,
): string {
  const endpoint = new URL(proxmox.endpoint);
  // Whichever node is off, another one knows of it.
  const nodes = site.proxmox.nodes.map(({ address }) => `https://${address}:${endpoint.port || 443}`);
  const config: ProxwatchConfig = {
    pve: {
      endpoints: [...new Set([endpoint.origin, ...nodes])],
      tokenId: proxmox.watchTokenId,
      tokenFile: `${directory}/pve-token`,
      ...(proxmox.certificateAuthority === undefined ? {} : { caFile: authorityPath }),
    },
    pbs: {
      endpoints: [new URL(pbs.endpoint).origin],
      tokenId: pbsTokenId,
      tokenFile: `${directory}/pbs-token`,
      ...(pbs.fingerprint === undefined ? {} : { fingerprint: pbs.fingerprint }),
    },
    guests: Object.fromEntries(site.guests.map(({ id, name }) => [String(id), name])),
    keyEscrow,
    metricsFile: `${textfileDirectory}/proxwatch.prom`,
    stateFile: `${home}/state.json`,
    slowIntervalSeconds: Math.round(slowIntervalSeconds * site.monitoring.pace),
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

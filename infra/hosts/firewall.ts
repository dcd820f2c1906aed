import { covers, parseSource } from "../site/network.ts";
import { type Contribution, plainFile } from "./contribution.ts";
import type { Relation } from "./relations.ts";
import { renderUnit } from "./unit.ts";

const unit = "lab-firewall.service";
const rulesPath = "/etc/lab/firewall.nft";

/** The ruleset that opens a guest to its relations and to nothing else. */
export function firewall(relations: readonly Relation[]): Contribution {
  return {
    packages: ["nftables"],
    files: [
      {
        ...plainFile(rulesPath, ruleset(relations), [unit]),
        validate: ["/usr/sbin/nft", "--check", "--file", "%s"],
      },
    ],
    units: [
      {
        name: unit,
        reloadable: true,
        // Rules can be well written and still keep the machine out that delivers them.
        stopIfUnreachable: true,
        content: renderUnit({
          Unit: {
            Description: "Firewall: only what the site's relations need comes in",
            DefaultDependencies: false,
            Wants: "network-pre.target",
            Before: "network-pre.target shutdown.target",
            // Where somebody uses it: its start flushes every table.
            After: "nftables.service",
            Conflicts: "shutdown.target",
          },
          Service: {
            Type: "oneshot",
            RemainAfterExit: true,
            ExecStart: `/usr/sbin/nft --file ${rulesPath}`,
            ExecReload: `/usr/sbin/nft --file ${rulesPath}`,
            ExecStop: "/usr/sbin/nft delete table inet lab",
            ProtectSystem: "full",
            ProtectHome: true,
          },
          Install: { WantedBy: "sysinit.target" },
        }),
      },
    ],
  };
}

/**
 * nftables rules in a table of our own. The file is one transaction: the kernel takes all of it or none, so there is
 * no moment without rules, and tables of others stay as they are. What a guest sends is not restricted: package
 * mirrors, mail and object storage stand behind addresses that change, and a rule that is stale would silently end
 * security updates and backups.
 */
export function ruleset(relations: readonly Relation[]): string {
  const lines = [
    "table inet lab",
    "delete table inet lab",
    "table inet lab {",
    "\tchain input {",
    "\t\ttype filter hook input priority filter; policy drop;",
    "\t\tct state established,related accept",
    "\t\tct state invalid drop",
    '\t\tiif "lo" accept',
    // Without these, connections stall where a link takes smaller packets, and IPv6 finds no neighbours.
    "\t\ticmp type { destination-unreachable, time-exceeded, parameter-problem } accept",
    "\t\ticmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept",
    "\t\ticmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } ip6 hoplimit 255 accept",
    "\t\ticmp type echo-request limit rate 20/second accept",
    "\t\ticmpv6 type echo-request limit rate 20/second accept",
    ...relations.map(
      ({ from, port, why }) =>
        `\t\tip saddr { ${withoutCovered(from).join(", ")} } tcp dport ${port} accept comment "${why}"`,
    ),
    '\t\tlimit rate 10/minute burst 20 packets log prefix "lab-firewall: " level info',
    "\t}",
    "\tchain forward {",
    // A guest is no router.
    "\t\ttype filter hook forward priority filter; policy drop;",
    "\t}",
    "}",
  ];
  return `${lines.join("\n")}\n`;
}

/** A set must not name an address twice. */
function withoutCovered(sources: readonly string[]): string[] {
  const networks = [...new Set(sources)].map((text) => {
    const network = parseSource(text);
    if (!network) throw new Error(`${text} is neither an address nor a network`);
    return { text, network };
  });
  return networks
    .filter(
      ({ network }, index) =>
        !networks.some(
          ({ network: other }, place) =>
            place !== index && covers(other, network) && (!covers(network, other) || place < index),
        ),
    )
    .map(({ text }) => text);
}

import type { Site } from "../site.ts";
import { containsHost, parseCidr, parseIpv4 } from "./network.ts";
import type { Problem } from "./problems.ts";

/** What is delivered to the backup server's host needs a certificate, and a name of its own among the hosts. */
export function backupHostRules({ pbs, domain, guests, networks }: Partial<Site>): Problem[] {
  if (!pbs?.hostChecks) return [];
  const [name] = pbs.host.split(".");
  const problem = (property: "host" | "address", reason: string, allowed: string): Problem => ({
    path: `pbs.${property}`,
    value: pbs[property],
    reason,
    allowed,
  });
  return [
    ...(guests?.some((guest) => guest.name === name)
      ? [problem("host", "a guest has this name, and metrics of both would be one", "a name of its own")]
      : []),
    ...(domain !== undefined && !pbs.host.endsWith(`.${domain}`)
      ? [problem("host", "with hostChecks, the lab's authority has to vouch for it", `a name in ${domain}`)]
      : []),
    ...(networks !== undefined && !isWithin(pbs.address, networks)
      ? [
          problem(
            "address",
            "with hostChecks, the lab's authority has to vouch for it",
            "an address in one of the networks",
          ),
        ]
      : []),
  ];
}

function isWithin(text: string, networks: Site["networks"]): boolean {
  const address = parseIpv4(text);
  return Object.values(networks).some(({ cidr }) => {
    const network = parseCidr(cidr);
    return network !== undefined && address !== undefined && containsHost(network, address);
  });
}

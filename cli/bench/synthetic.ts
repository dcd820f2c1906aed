import type { SiteInput } from "../../infra/site.ts";
import lab from "../../stacks/lab.ts";

const nodes = 7;
/** The first address of a guest; the ones before it belong to nodes and the backup server. */
const firstHost = 256;

/**
 * A site of any size: the lab's own policies, archive and monitoring, with as many managed guests as asked for. The
 * first three are the lab's database pair and monitoring host, the others are plain.
 */
export function syntheticSite(guests: number): SiteInput {
  const site = lab();
  const roles = ["proj-pg01", "proj-pg02", "proj-mon01"];
  const network = "10.32.0.0";
  const address = (host: number) => `10.32.${Math.floor(host / 256)}.${host % 256}`;
  return {
    ...site,
    name: "synthetic",
    proxmox: {
      nodes: Array.from({ length: nodes }, (_, index) => ({
        name: `node0${index + 1}`,
        address: address(index + 11),
      })),
    },
    networks: { lab: { cidr: `${network}/16`, gateway: address(1), bridge: "vmbr0" } },
    guests: Array.from({ length: guests }, (_, index) => ({
      id: 2000 + index,
      name: roles[index] ?? `guest-${index}`,
      node: `node0${(index % nodes) + 1}`,
      address: address(firstHost + index),
      image: "ubuntu-2404",
      network: "lab",
      diskGib: 8,
      tier: "standard",
      backup: { tool: "pbs", policy: "linux-weekly" },
    })),
    pbs: {
      ...site.pbs,
      address: address(20),
      datastores: Object.fromEntries(
        Object.entries(site.pbs.datastores).map(([name, store]) => [
          name,
          { ...store, capacityGib: 8 * guests + store.capacityGib },
        ]),
      ),
    },
    databases: { ...site.databases, others: [] },
  };
}

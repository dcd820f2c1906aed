import type { SiteInput } from "../infra/site.ts";
import lab from "./lab.ts";

const primary = lab();

/** The recovery site has two nodes, a network and a backup server of its own. */
const nodes = ["dr01", "dr02"] as const;
const network = "10.17.207";

/** Only what the science cannot go on without is rebuilt there. */
const recovered = new Set(["proj-pg01", "proj-pg02", "proj-dp01", "proj-mon01"]);

const samePlace = (address: string): string => `${network}.${address.split(".").at(-1)}`;

/** The recovery site: derived from the lab, so that it cannot drift away from what it has to replace. */
const dr: SiteInput = {
  ...primary,
  name: "dr",
  proxmox: { nodes: nodes.map((name, index) => ({ name, address: `${network}.${11 + index}` })) },
  networks: {
    lab: { cidr: `${network}.0/24`, gateway: `${network}.1`, bridge: "vmbr0", dnsServers: [`${network}.1`] },
  },
  guests: primary.guests
    .filter(({ name }) => recovered.has(name))
    .map((guest, index) => ({
      ...guest,
      node: nodes[index % nodes.length] ?? nodes[0],
      address: samePlace(guest.address),
    })),
  pbs: {
    ...primary.pbs,
    host: "pbs02.radioastronomy.io",
    address: `${network}.218`,
    sync: [
      {
        id: "from-lab",
        retention: "from-lab",
        remote: {
          host: primary.pbs.host,
          datastore: "lab-backups",
          namespace: "critical",
          tokenId: "dr@pbs!sync",
        },
        schedule: "07:00",
      },
    ],
  },
  retentions: {
    ...primary.retentions,
    // The lab's own backups, as long as the lab keeps them, also when it is gone.
    "from-lab": {
      datastore: "lab-backups",
      namespace: "from-lab",
      pruneSchedule: "05:00",
      keepDaily: 7,
      keepWeekly: 4,
      keepMonthly: 1,
    },
  },
  archive: {
    ...primary.archive,
    region: "eu-west-1",
    buckets: {
      dumps: { ...primary.archive.buckets.dumps, name: "radioastronomy-dr-dumps" },
      configuration: { ...primary.archive.buckets.configuration, name: "radioastronomy-dr-configuration" },
      images: { ...primary.archive.buckets.images, name: "radioastronomy-dr-images" },
    },
    logs: { ...primary.archive.logs, name: "radioastronomy-dr-archive-logs" },
  },
  databases: { ...primary.databases, others: [] },
};

export default (): SiteInput => dr;

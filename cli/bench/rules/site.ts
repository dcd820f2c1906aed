import type { SiteInput } from "../../../infra/site.ts";
import lab from "../../../stacks/lab.ts";
import { syntheticSite } from "../synthetic.ts";

/** One instance in so many belongs to a PostgreSQL cluster. */
const instancesADatabaseHost = 5;
const serversACluster = 2;

/**
 * A site of so many monitored guests, at a lab's normal pace: one in five is a server of a PostgreSQL cluster, which has
 * a primary, a standby and the lab's three databases; all are backed up, database servers every night, the others every
 * week, on a backup server that is watched as well; and each of the other engines is there once.
 */
export function monitoredSite(instances: number): SiteInput {
  const site = syntheticSite(instances);
  const names = site.guests.map(({ name }) => name);
  const [cluster] = site.databases.postgres;
  if (!cluster) throw new Error("stacks/lab.ts has no PostgreSQL cluster any more to take as an example");
  // The first two are a pair already, the third is the monitoring host.
  const others = names.slice(3);
  const count = Math.max(1, Math.floor(instances / instancesADatabaseHost / serversACluster));
  const clusters = Array.from({ length: count }, (_, index) => {
    const [primary = "", standby = ""] =
      index === 0 ? names : others.slice((index - 1) * serversACluster, index * serversACluster);
    return { ...cluster, name: `pg${index + 1}`, primary, standbys: [standby] };
  });
  const servers = new Set(clusters.flatMap(({ primary, standbys }) => [primary, ...standbys]));
  const engines = lab().databases.others ?? [];
  const watched = names.filter((name) => !servers.has(name) && name !== site.monitoring.host);
  return {
    ...site,
    guests: site.guests.map((guest) => ({
      ...guest,
      ...(servers.has(guest.name) ? { backup: { tool: "pbs", policy: "proj-pg01-daily" } } : {}),
    })),
    pbs: { ...site.pbs, hostChecks: { hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5" } },
    archive: {
      ...site.archive,
      buckets: {
        ...site.archive.buckets,
        dumps: { ...site.archive.buckets.dumps, writers: clusters.map(({ primary }) => primary) },
      },
    },
    databases: {
      postgres: clusters,
      others: engines.flatMap((other, index) => {
        const guest = watched[index];
        return guest === undefined ? [] : [{ ...other, guest }];
      }),
    },
  };
}

import type { Inventory, WatchedCluster } from "../../../alert-rules/inventory.ts";

/** Something that Prometheus scrapes. */
export interface Target {
  readonly job: string;
  /** Name of the guest. */
  readonly instance: string;
  /** Of a member of a PostgreSQL cluster, or of its exporter. */
  readonly cluster?: WatchedCluster;
}

/** The lab of a measurement: what is scraped in it, and what its own programs know of it. */
export interface SyntheticLab {
  readonly inventory: Inventory;
  readonly targets: readonly Target[];
}

/** All targets of an inventory but Prometheus itself, which is real. */
export function syntheticLab(inventory: Inventory): SyntheticLab {
  const { hosts, clusters, others, monitoringHost } = inventory;
  const clusterOf = new Map(
    clusters.flatMap((cluster) =>
      [cluster.primary, ...cluster.standbys].map((server) => [server, cluster] as const),
    ),
  );
  const target = (job: string, instance: string): Target => {
    const cluster = clusterOf.get(instance);
    return { job, instance, ...(cluster ? { cluster } : {}) };
  };
  return {
    inventory,
    targets: [
      ...hosts.map((host) => target("node", host)),
      ...[...clusterOf.keys()].map((server) => target("postgres", server)),
      ...others.map(({ engine, guest }) => target(engine, guest)),
      target("alertmanager", monitoringHost),
    ],
  };
}

/** The part that a member of a cluster plays; `undefined` for what is in none. */
export function roleOf({ cluster, instance }: Target): "primary" | "standby" | undefined {
  return cluster && (cluster.primary === instance ? "primary" : "standby");
}

/** The labels that the scrape configuration gives to a target. */
export function targetLabels({ job, instance, cluster }: Target): Record<string, string> {
  return { job, instance, ...(job === "postgres" && cluster ? { cluster: cluster.name } : {}) };
}

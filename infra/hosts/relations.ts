import type { Guest, PostgresCluster, Site } from "../site.ts";

/** One reason for which a guest takes connections. */
export interface Relation {
  /** IPv4 addresses and networks. */
  readonly from: readonly string[];
  /** TCP. */
  readonly port: number;
  /** What for, in a few words. */
  readonly why: string;
}

/** From where operators and deliveries log in. */
export function sshSources({ access, networks }: Site): readonly string[] {
  return access.sshFrom ?? Object.values(networks).map(({ cidr }) => cidr);
}

/**
 * The connections that the site needs into each guest that the program delivers to; a guest needs no other. What a
 * guest asks of itself goes over its loopback interface and is not listed.
 */
export function inboundRelations(site: Site): ReadonlyMap<string, readonly Relation[]> {
  return new Map(
    site.guests
      .filter(({ managed, os }) => managed && os === "linux")
      .map((guest) => [
        guest.name,
        [
          { from: sshSources(site), port: site.access.sshPort, why: "SSH of operators and deliveries" },
          ...exporters(site, guest),
          ...site.databases.postgres.flatMap((cluster) => database(site, cluster, guest)),
          ...monitoring(site, guest),
        ].filter(({ from }) => from.length > 0),
      ]),
  );
}

function exporters(site: Site, guest: Guest): Relation[] {
  const from = [addressOf(site, site.monitoring.host)];
  const { ports } = site.monitoring;
  const { postgres, others } = site.databases;
  return [
    { from, port: ports.node, why: "host metrics" },
    ...(postgres.some((cluster) => members(cluster).includes(guest.name))
      ? [{ from, port: ports.postgres, why: "PostgreSQL metrics" }]
      : []),
    ...others
      .filter((other) => (other.exporterHost ?? other.guest) === guest.name)
      // One exporter serves several databases.
      .filter(({ port }, index, all) => all.findIndex((other) => other.port === port) === index)
      .map(({ engine, port }) => ({ from, port, why: `${engine} metrics` })),
  ];
}

function database(site: Site, cluster: PostgresCluster, guest: Guest): Relation[] {
  if (!members(cluster).includes(guest.name)) return [];
  const peers = members(cluster).filter((name) => name !== guest.name);
  return [
    {
      from: peers.map((name) => addressOf(site, name)),
      port: cluster.port,
      why: `replication of cluster ${cluster.name}`,
    },
    { from: cluster.clientsFrom, port: cluster.port, why: `clients of cluster ${cluster.name}` },
  ];
}

function monitoring(site: Site, guest: Guest): Relation[] {
  if (guest.name !== site.monitoring.host) return [];
  const from = site.monitoring.webFrom ?? sshSources(site);
  const { ports } = site.monitoring;
  return [
    { from, port: ports.prometheus, why: "Prometheus for people and Grafana" },
    { from, port: ports.alertmanager, why: "Alertmanager for people and Grafana" },
    ...(site.monitoring.grafana.install
      ? [{ from, port: ports.grafana, why: "Grafana for people and Pulumi" }]
      : []),
  ];
}

function members({ primary, standbys }: PostgresCluster): readonly string[] {
  return [primary, ...standbys];
}

function addressOf({ guests }: Site, name: string): string {
  const guest = guests.find((candidate) => candidate.name === name);
  if (!guest) throw new Error(`the site has no guest ${name}`);
  return guest.address;
}

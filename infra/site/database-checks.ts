import type { Site } from "../site.ts";
import { careRules } from "./database-care-checks.ts";
import type { Problem } from "./problems.ts";
import { duplicates, named, reference } from "./references.ts";
import { parseSchedule } from "./schedule.ts";
import { delivered } from "./service-checks.ts";

type Cluster = Site["databases"]["postgres"][number];

export function databaseRules(site: Partial<Site>): Problem[] {
  const { databases, monitoring, guests, objectives } = site;
  const clusters = databases?.postgres ?? [];
  return [
    ...duplicates(
      clusters.map((cluster) => cluster.name),
      "databases.postgres",
      "name",
      (name) => `cluster ${name} is named twice`,
    ),
    ...clusters.flatMap((cluster, index) => {
      const at = `databases.postgres[${index}]`;
      return [
        ...delivered(`${at}.primary`, cluster.primary, guests),
        ...cluster.standbys.flatMap((standby, number) =>
          delivered(`${at}.standbys[${number}]`, standby, guests),
        ),
        ...oneClusterAGuest(at, cluster, clusters.slice(0, index)),
        ...distinctNames(at, cluster),
        ...enoughSenders(at, cluster),
        ...freePort(at, cluster, monitoring),
        ...dumpAge(cluster, monitoring),
        ...careRules(at, cluster, reservedRoles),
        ...dumpsGoOffsite(at, cluster, site),
        ...dumpsMeetObjective(`${at}.dump.schedule`, cluster, guests, objectives),
      ];
    }),
    ...(databases?.others ?? []).flatMap((other, index) =>
      reference(
        `databases.others[${index}].guest`,
        other.guest,
        guests?.map((guest) => guest.name),
        "guest",
      ),
    ),
    ...(databases?.others ?? []).flatMap((other, index) =>
      remoteExporter(`databases.others[${index}]`, other, site),
    ),
  ];
}

/** An exporter that the program runs for a database elsewhere: one process a host, and one that can be had. */
function remoteExporter(
  at: string,
  { engine, port, exporterHost }: Site["databases"]["others"][number],
  { databases, guests, binaries }: Partial<Site>,
): Problem[] {
  if (exporterHost === undefined) return [];
  const path = `${at}.exporterHost`;
  const first = databases?.others.find((other) => other.exporterHost === exporterHost);
  const wrong = (reason: string, allowed: string): Problem => ({
    path,
    value: exporterHost,
    reason,
    allowed,
  });
  return [
    ...delivered(path, exporterHost, guests),
    ...(engine === "mysql"
      ? []
      : [
          wrong(
            `there is no exporter for ${engine} that asks other guests`,
            "engine mysql, or no exporterHost",
          ),
        ]),
    ...(first && first.port !== port
      ? [
          wrong(
            `its exporter listens on port ${first.port} already`,
            `port ${first.port}, since one serves all`,
          ),
        ]
      : []),
    ...(binaries && binaries.mysqldExporter === undefined
      ? [
          wrong(
            "the exporter is not among the binaries",
            "an exporterHost once binaries.mysqldExporter is given",
          ),
        ]
      : []),
  ];
}

/** A guest has one server: a member twice, or of two clusters, would stream to itself or share a port. */
function oneClusterAGuest(at: string, cluster: Cluster, before: readonly Cluster[]): Problem[] {
  const members = [cluster.primary, ...cluster.standbys];
  return members.flatMap((member, number) => {
    const path = number === 0 ? `${at}.primary` : `${at}.standbys[${number - 1}]`;
    if (members.indexOf(member) !== number)
      return [{ path, value: member, reason: "it is in the cluster already", allowed: "another guest" }];
    const other = before.find(({ primary, standbys }) => [primary, ...standbys].includes(member));
    if (!other) return [];
    return [
      {
        path,
        value: member,
        reason: `it is in cluster ${other.name} already, and a guest has one server`,
        allowed: "another guest",
      },
    ];
  });
}

/** Names that PostgreSQL keeps for itself (CREATE ROLE, CREATE DATABASE). */
const reservedRoles = /^(pg_.*|postgres|public|none)$/;
const reservedDatabases = /^(postgres|template0|template1)$/;
/** Names that the runtime keeps for itself. */
const ownDatabases = /^dbkeeper_(template$|scratch_|restore_)/;

function distinctNames(at: string, { roles, databases }: Cluster): Problem[] {
  const entries = Object.entries(roles);
  return [
    ...entries.flatMap(([purpose, name], index) => {
      const path = `${at}.roles.${purpose}`;
      if (reservedRoles.test(name))
        return [
          { path, value: name, reason: "PostgreSQL keeps this name for itself", allowed: "another name" },
        ];
      const other = entries.slice(0, index).find(([, before]) => before === name);
      if (!other) return [];
      const reason = `it is the ${other[0]} role already, and each has rights of its own`;
      return [{ path, value: name, reason, allowed: "a role of its own" }];
    }),
    ...databases.flatMap((name, index) => {
      const path = `${at}.databases[${index}]`;
      if (reservedDatabases.test(name))
        return [{ path, value: name, reason: "it is in every cluster", allowed: "a database of your own" }];
      if (ownDatabases.test(name))
        return [{ path, value: name, reason: "dbkeeper makes and drops it", allowed: "another name" }];
      if (databases.indexOf(name) === index) return [];
      return [{ path, value: name, reason: "it is named twice", allowed: "each database once" }];
    }),
  ];
}

function enoughSenders(at: string, { wal, standbys }: Cluster): Problem[] {
  // Each standby holds one, and its first copy takes a second one for as long as it runs.
  const needed = standbys.length + 1;
  if (standbys.length === 0 || wal.maxSenders >= needed) return [];
  return [
    {
      path: `${at}.wal.maxSenders`,
      value: wal.maxSenders,
      reason: `${standbys.length} standbys stream, and one more is taken while one of them is made`,
      allowed: `at least ${needed}`,
    },
  ];
}

function freePort(at: string, { port }: Cluster, monitoring: Site["monitoring"] | undefined): Problem[] {
  const taken = Object.entries(monitoring?.ports ?? {}).find(
    ([name, other]) => ["node", "postgres"].includes(name) && other === port,
  );
  if (!taken) return [];
  return [
    {
      path: `${at}.port`,
      value: port,
      reason: `monitoring.ports.${taken[0]} is an exporter's on the same host`,
      allowed: "another port",
    },
  ];
}

/** Each writer of the archive has a key that opens only its own prefix: nobody else's would do. */
function dumpsGoOffsite(
  at: string,
  { primary, dump }: Cluster,
  { archive, guests }: Partial<Site>,
): Problem[] {
  const writers = archive?.buckets.dumps.writers;
  const isGuest = guests?.some(({ name }) => name === primary) ?? false;
  if (dump.offsite === "none" || !isGuest || writers === undefined || writers.includes(primary)) return [];
  return [
    {
      path: `${at}.dump.offsite`,
      value: dump.offsite,
      reason: `the primary ${primary} is no writer of the archive's bucket of dumps`,
      allowed: `${primary} in archive.buckets.dumps.writers, or none: then no dump leaves the host`,
    },
  ];
}

/** An alert that fires between two dumps that both went well says nothing. */
function dumpAge({ name, dump }: Cluster, monitoring: Site["monitoring"] | undefined): Problem[] {
  const parsed = parseSchedule("systemd", dump.schedule);
  if (!parsed.ok || !monitoring) return [];
  const neededHours = Math.ceil(parsed.longestGapHours + dump.durationLimitMinutes / 60);
  if (monitoring.maximumDumpAgeHours >= neededHours) return [];
  return [
    {
      path: "monitoring.maximumDumpAgeHours",
      value: monitoring.maximumDumpAgeHours,
      reason: `cluster ${name} is dumped every ${parsed.longestGapHours} h (${parsed.examples}) in up to ${dump.durationLimitMinutes} min, so that a good dump would be reported as too old`,
      allowed: `at least ${neededHours}`,
    },
  ];
}

/**
 * Dumps are what is proven by restoring them, so they alone must keep the objective of the primary's tier. As with a
 * backup of a guest, a dump holds what there was when it started.
 */
function dumpsMeetObjective(
  path: string,
  { primary, dump }: Cluster,
  guests: Site["guests"] | undefined,
  objectives: Site["objectives"] | undefined,
): Problem[] {
  const tier = guests?.find(({ name }) => name === primary)?.tier;
  const objective = tier === undefined ? undefined : named(objectives, tier);
  const parsed = parseSchedule("systemd", dump.schedule);
  if (!objective || !parsed.ok || parsed.longestGapHours <= objective.rpoHours) return [];
  return [
    {
      path,
      value: dump.schedule,
      reason: `it leaves up to ${parsed.longestGapHours} h between two dumps (${parsed.examples})`,
      allowed: `at most ${objective.rpoHours} h between two dumps, since the primary ${primary} is of tier ${tier}`,
    },
  ];
}

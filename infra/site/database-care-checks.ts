import { parseGlob } from "../../scripts/postgres/glob.ts";
import type { Site } from "../site.ts";
import type { Problem } from "./problems.ts";
import { duplicates, reference } from "./references.ts";

type Cluster = Site["databases"]["postgres"][number];

/** What the settings of a cluster's dumps, checks and maintenance must be to each other. */
export function careRules(at: string, cluster: Cluster, reservedRoles: RegExp): Problem[] {
  return [
    ...allAreDumped(`${at}.dump.databases`, cluster),
    ...formatCanBeEncrypted(`${at}.dump.format`, cluster),
    ...ownersApart(`${at}.maintenance.owners`, cluster, reservedRoles),
    ...duplicates(
      cluster.checks.map(({ name }) => name),
      `${at}.checks`,
      "name",
      (name) => `check ${name} is named twice`,
    ),
    ...(cluster.dump.databases === undefined ? cluster.checks : []).flatMap((check, index) =>
      (check.databases ?? []).flatMap((name, number) =>
        reference(`${at}.checks[${index}].databases[${number}]`, name, cluster.databases, "database"),
      ),
    ),
  ];
}

/** Alerts await a dump of every database of the site, so one that is never dumped would alert for ever. */
function allAreDumped(path: string, { databases, dump }: Cluster): Problem[] {
  if (dump.databases === undefined) return [];
  const leftOut = dump.databases.filter((entry) => entry.startsWith("!")).map((entry) => entry.slice(1));
  const taken = dump.databases.filter((entry) => !entry.startsWith("!"));
  const names = (globs: readonly string[], name: string) =>
    globs.some((glob) => parseGlob(glob).matches(name));
  const missing = databases.filter(
    (name) => (taken.length > 0 && !names(taken, name)) || names(leftOut, name),
  );
  if (missing.length === 0) return [];
  return [
    {
      path,
      value: dump.databases,
      reason: `${missing.join(", ")} would not be dumped`,
      allowed: "names and globs by which every one of databases is dumped",
    },
  ];
}

function formatCanBeEncrypted(path: string, { dump, encryption }: Cluster): Problem[] {
  if (encryption === undefined || dump.format !== "directory") return [];
  const reason = "pg_dump would write its files in plain first, and the cluster has encryption";
  return [{ path, value: dump.format, reason, allowed: "auto or custom" }];
}

/** A member of the owners can do what they can: a role of the lab among them would pass its own rights on. */
function ownersApart(path: string, { maintenance, roles }: Cluster, reservedRoles: RegExp): Problem[] {
  const { owners } = maintenance;
  return owners.flatMap((owner, index) => {
    const wrong = (reason: string, allowed: string): Problem[] => [
      { path: `${path}[${index}]`, value: owner, reason, allowed },
    ];
    const [purpose] = Object.entries(roles).find(([, name]) => name === owner) ?? [];
    if (purpose !== undefined) return wrong(`it is the ${purpose} role`, "a role that owns tables");
    if (reservedRoles.test(owner)) {
      return wrong(
        "the maintenance role would have all the rights that PostgreSQL keeps for it",
        "a role of your own, to which the tables belong",
      );
    }
    return owners.indexOf(owner) === index ? [] : wrong("it is named twice", "each role once");
  });
}

import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { backupRole, serverPrograms, startCluster, type TestCluster } from "./cluster.ts";
import { type Keeper, newKeeper } from "./keeper.ts";

const settings = `shared_preload_libraries = 'pg_stat_statements'
logging_collector = on
log_directory = 'log'
log_filename = 'server.log'
log_min_messages = warning
log_line_prefix = '%m [%p] %e %q%u@%d '
log_lock_waits = on
log_min_duration_statement = 100
deadlock_timeout = 50
max_prepared_transactions = 4
wal_level = logical
archive_mode = on
archive_command = 'true'
`;

/** Samples of a metrics file, by their text up to the value, without what all of dbkeeper's begin with. */
type Seen = ReadonlyMap<string, number>;

/** A server that `dbkeeper observe` looks at. */
export interface Observed {
  cluster: TestCluster;
  keeper: Keeper;
  /** The server's log. */
  logFile: string;
  /** Looks, which must succeed, and reads what was seen. */
  look(): Promise<Seen>;
  /** What the last look wrote. */
  metrics(): Promise<Seen>;
}

/** Labels of each family that was written, by its name and type. */
export type Families = Map<string, Set<string>>;

/** Starts a server with all that can be observed, and with a database `desi`. */
export async function observedCluster(): Promise<TestCluster> {
  const cluster = await startCluster(settings, serverPrograms, ["--data-checksums"]);
  await cluster.sql(
    "create extension pg_stat_statements; create table kept as select generate_series(1, 1000) i",
  );
  await cluster.sql(
    `grant execute on function pg_hba_file_rules(), pg_show_all_file_settings() to ${backupRole}`,
  );
  await cluster.sql("create database desi");
  return cluster;
}

/**
 * Lets dbkeeper look at a running server.
 *
 * @param families gathers what any look wrote
 */
export async function observing(cluster: TestCluster, families: Families = new Map()): Promise<Observed> {
  const logFile = join(cluster.socketDirectory, "data/log/server.log");
  const keeper = await newKeeper(cluster, { observe: { logFile, rowMinimum: 100, timeoutSeconds: 20 } });
  const metrics = async () =>
    parsed(await readFile(join(keeper.folder, "dbkeeper-observe.prom"), "utf8"), families);
  return {
    cluster,
    keeper,
    logFile,
    metrics,
    async look() {
      const { code, output } = await keeper.run("observe");
      expect(code, output).toBe(0);
      return await metrics();
    },
  };
}

/** Stops the server and removes what dbkeeper wrote. */
export async function stopObserved(observed: Observed | undefined): Promise<void> {
  await observed?.cluster.stop();
  if (observed !== undefined) await rm(observed.keeper.folder, { recursive: true });
}

/** How many events of a kind have been logged between two looks. */
export function logged(before: Seen, after: Seen, kind: string): number {
  const name = `log_events_total{kind=${kind}}`;
  return (after.get(name) ?? 0) - (before.get(name) ?? 0);
}

function parsed(text: string, families: Families): Seen {
  const types = new Map(
    [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = "", type = ""]) => [name, type]),
  );
  const seen = new Map<string, number>();
  for (const [, name = "", labels = "", value] of text.matchAll(/^([a-z_]+)\{(.*)\} (\S+)$/gm)) {
    const family = types.has(name) ? name : name.replace(/_(bucket|sum|count)$/, "");
    const named = [...labels.matchAll(/(\w+)="/g)].map(([, label = ""]) => label);
    const known = families.get(`${family} ${types.get(family)}`) ?? new Set();
    for (const label of named.filter((label) => !["cluster", "le"].includes(label))) known.add(label);
    families.set(`${family} ${types.get(family)}`, known);
    expect(labels).toContain('cluster="pg01"');
    const short = labels.replace(/cluster="pg01",?/, "").replaceAll('"', "");
    seen.set(`${name.replace(/^dbkeeper_(observed_)?/, "")}{${short}}`, Number(value));
  }
  return seen;
}

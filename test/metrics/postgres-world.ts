import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { postgresCollectorFlags } from "../../alert-rules/metrics/collectors.ts";
import { startCluster, startStandby, type TestCluster } from "../../scripts/testing/cluster.ts";
import { until } from "../../scripts/testing/wait.ts";
import { type Exporter, startExporter } from "./exporter.ts";

/** A primary and its standby on which every metric of the exporter has something to say. */
export interface PostgresWorld extends AsyncDisposable {
  readonly primary: TestCluster;
  readonly standby: TestCluster;
  /** `15.18`. */
  readonly version: string;
  /** The options that the lab's exporter has at servers of this version. */
  readonly flags: readonly string[];
}

const monitoringRole = "monitoring_pg01";
const standbySlot = "standby_pg02";

/**
 * Starts both servers: a physical and a logical slot, an archiver that worked and failed, statements that are counted,
 * a table with dead rows, and a vacuum of it that takes its time.
 */
export async function startPostgresWorld(): Promise<PostgresWorld> {
  const primary = await startCluster(
    [
      "shared_preload_libraries = 'pg_stat_statements'",
      // Of the replica level, too, is all that the lab's servers write; a logical slot asks for more.
      "wal_level = logical",
      "max_slot_wal_keep_size = 1GB",
      "archive_mode = on",
      "archive_command = 'test -e archiver-works'",
      "autovacuum = on",
      "autovacuum_naptime = 1s",
      "",
    ].join("\n"),
  );
  let standby: TestCluster | undefined;
  const stop = async () => {
    await standby?.stop();
    await primary.stop();
  };
  try {
    await fill(primary);
    standby = await startStandby(primary, `hot_standby = on\n`, [
      ...["-c", `primary_slot_name=${standbySlot}`],
    ]);
    await archive(primary);
    await vacuumForLong(primary);
    await until("the standby to stream through its slot", async () => {
      const rows = await primary.sql(
        "select from pg_stat_replication r join pg_replication_slots s on s.active_pid = r.pid where r.state = 'streaming'",
      );
      return rows.length > 0;
    });
    const [row] = await primary.sql(
      "select split_part(current_setting('server_version'), ' ', 1) as version",
    );
    const version = String(row?.version);
    const flags = postgresCollectorFlags(Number.parseInt(version, 10));
    return { primary, standby, version, flags, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Starts an exporter that looks at a server as the lab's do: through its socket, as a role that may only watch. */
export function watchPostgres(
  program: string,
  { socketDirectory, port }: TestCluster,
  flags: readonly string[],
): Promise<Exporter> {
  return startExporter(program, ["--web.listen-address=127.0.0.1:0", ...flags], {
    DATA_SOURCE_NAME: `host=${socketDirectory} port=${port} user=${monitoringRole} dbname=postgres`,
  });
}

async function fill({ sql }: TestCluster): Promise<void> {
  await sql(`create role ${monitoringRole} login in role pg_monitor`);
  await sql("create extension pg_stat_statements");
  await sql(`select pg_create_physical_replication_slot('${standbySlot}', true)`);
  await sql("select pg_create_logical_replication_slot('catalogue', 'pgoutput')");
  await sql("create table galaxies (id int primary key, name text)");
  await sql("insert into galaxies select n, repeat('x', 500) from generate_series(1, 20000) n");
  await sql("select count(*) from galaxies");
}

/** The archiver fails until its file is there, then it works. */
async function archive({ sql }: TestCluster): Promise<void> {
  const archived = async (column: "failed_count" | "archived_count") => {
    const [row] = await sql(`select ${column} > 0 as some from pg_stat_archiver`);
    return row?.some === true;
  };
  await sql("select pg_switch_wal()");
  await until("the archiver to fail", () => archived("failed_count"));
  const [row] = await sql("select current_setting('data_directory') as folder");
  await writeFile(join(String(row?.folder), "archiver-works"), "");
  await until("the archiver to work", () => archived("archived_count"), 90);
}

/** So slow that it is seen at work for as long as the world stands. */
async function vacuumForLong({ sql }: TestCluster): Promise<void> {
  await sql(
    "alter table galaxies set (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1, autovacuum_vacuum_scale_factor = 0)",
  );
  await sql("delete from galaxies where id % 2 = 0");
  await until("a vacuum to be at work", async () => {
    const rows = await sql("select from pg_stat_activity where query like 'autovacuum:%galaxies'");
    return rows.length > 0;
  });
}

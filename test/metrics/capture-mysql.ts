import { startExporter } from "./exporter.ts";
import { startMysqlWorld } from "./mysql-world.ts";
import { goProgram } from "./programs.ts";
import { families, writeSource } from "./source-file.ts";

/** Which one a site delivers is its owner's choice (`binaries.mysqldExporter`): the newest that can be had. */
const version = "0.19.0";

/** Most of what a server can be set to, and counters of engines and parts that no rule speaks of. */
const leftOut =
  /^mysql_global_(variables_(?!innodb_buffer_pool_size|max_connections|read_only|slow|long_query|open_files|sync_binlog|innodb_flush_log_at)|status_(performance|wsrep|aria|feature|acl|qcache|ssl|rpl|key|sort|select|handler)_)/;

/** mysqld_exporter as the lab delivers it, without options of its own. */
export async function captureMysql(): Promise<void> {
  await using world = await startMysqlWorld();
  await using program = await goProgram("github.com/prometheus/mysqld_exporter", "", version);
  await using exporter = await startExporter(program.path, [
    "--web.listen-address=127.0.0.1:0",
    `--config.my-cnf=${world.clientFile}`,
  ]);
  const metrics = Object.entries(families({ one: await exporter.scrape() }));
  await writeSource("mysqld_exporter.json", {
    source: "mysqld_exporter",
    version,
    how: "captured",
    origin: `MariaDB ${world.version}, with a binary log and as a replica; without most settings`,
    metrics: Object.fromEntries(metrics.filter(([name]) => !leftOut.test(name))),
  });
}

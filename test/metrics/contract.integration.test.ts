import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { deliveredCatalogue, type Source } from "../../alert-rules/metrics/catalogue.ts";
import { nodeCollectorFlags } from "../../alert-rules/metrics/collectors.ts";
import { serverPrograms, skipReason } from "../../scripts/testing/cluster.ts";
import { findTool } from "../../tools/find.ts";
import { breaches } from "./contract.ts";
import { startExporter } from "./exporter.ts";
import { type PostgresWorld, startPostgresWorld, watchPostgres } from "./postgres-world.ts";

const postgresExporter = await findTool("postgres_exporter");
const nodeExporter = await findTool("node_exporter");
for (const [name, tool] of Object.entries({ postgresExporter, nodeExporter })) {
  if (!tool) console.warn(`skipped: ${name} is missing; ./lab doctor says how to get it`);
}
if (!serverPrograms) console.warn(`skipped: ${skipReason}`);

/** What was captured of an exporter. */
function captured(name: string): Source {
  const found = deliveredCatalogue().sources.find(({ source, how }) => source === name && how === "captured");
  if (!found) throw new Error(`nothing was captured of ${name}`);
  return found;
}

/** Of servers of a major version. Settings differ between versions, and from 17 on checkpoints are counted elsewhere. */
function metricsOf({ metrics }: Source, version: number): Source["metrics"] {
  const elsewhere = version < 17 ? /^pg_settings_/ : /^pg_settings_|^pg_stat_bgwriter_.*(checkpoint|backend)/;
  const since17 = deliveredCatalogue().sources.find(
    ({ metrics }) => "pg_stat_checkpointer_num_timed_total" in metrics,
  );
  return {
    ...Object.fromEntries(Object.entries(metrics).filter(([name]) => !elsewhere.test(name))),
    ...(version < 17 ? {} : since17?.metrics),
  };
}

/** The same with a metric, its type or its label called otherwise. */
function altered(source: Source, name: string, change: Partial<Source["metrics"][string]>, called = name) {
  const { [name]: family, ...rest } = source.metrics;
  if (!family) throw new Error(`${source.source} has no ${name}`);
  return { ...source, metrics: { ...rest, [called]: { ...family, ...change } } };
}

describe.skipIf(!postgresExporter || !serverPrograms)("postgres_exporter as the lab delivers it", () => {
  const source = captured("postgres_exporter");
  const pages: Record<string, string> = {};
  let world: PostgresWorld;
  let ofThisServer: Source;

  beforeAll(async () => {
    world = await startPostgresWorld();
    for (const role of ["primary", "standby"] as const) {
      await using exporter = await watchPostgres(postgresExporter?.path ?? "", world[role], world.flags);
      pages[role] = await exporter.scrape();
    }
    ofThisServer = { ...source, metrics: metricsOf(source, Number.parseInt(world.version, 10)) };
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  it.each(["primary", "standby"])("shows at a %s every metric, type and label of the catalogue", (role) => {
    expect(breaches(ofThisServer, pages[role] ?? "", role)).toEqual([]);
  });

  it("breaks the contract where a metric, a type or a label has another name", () => {
    const broken = (altered: Source) => breaches(altered, pages.primary ?? "", "primary");
    const renamed = altered(ofThisServer, "pg_replication_lag_seconds", {}, "pg_replication_lag");
    expect(broken(renamed)).toEqual(["pg_replication_lag is gone"]);
    const retyped = altered(ofThisServer, "pg_locks_count", { type: "counter" });
    expect(broken(retyped)).toEqual(["pg_locks_count is a gauge, no longer a counter"]);
    const relabelled = altered(ofThisServer, "pg_locks_count", { labels: ["datname", "lockmode"] });
    expect(broken(relabelled)).toEqual(["pg_locks_count has no label lockmode any more"]);
  });

  it("has other slot metrics at a standby than at its primary, as the catalogue says", () => {
    const whateverTheRole = (page = "") => breaches(ofThisServer, page);
    expect(whateverTheRole(pages.standby)).toContain("pg_replication_slot_slot_is_active is gone");
    expect(whateverTheRole(pages.primary)).toContain("pg_stat_wal_receiver_flushed_lsn is gone");
  });

  it("is of the version that was captured", () => {
    expect(source.version).toBe(postgresExporter?.version);
  });
});

describe.skipIf(!nodeExporter)("node_exporter", () => {
  it("shows what every Linux host has of the catalogue", async () => {
    const source = captured("node_exporter");
    expect(source.version).toBe(nodeExporter?.version);
    const flags = nodeCollectorFlags().filter((flag) => !flag.includes("systemd"));
    await using exporter = await startExporter(nodeExporter?.path ?? "", [
      "--web.listen-address=127.0.0.1:0",
      ...flags,
    ]);
    const everywhere =
      /^node_(boot|cpu_seconds|filefd|filesystem_(avail|size|files)|load|memory_(Mem|Swap)|network_(receive|transmit)|time|uname|vmstat)_?/;
    const metrics = Object.entries(source.metrics).filter(([name]) => everywhere.test(name));
    expect(metrics.length).toBeGreaterThan(30);
    expect(breaches({ ...source, metrics: Object.fromEntries(metrics) }, await exporter.scrape())).toEqual(
      [],
    );
  });
});

import { expect, it } from "vitest";
import { catalogueOf, deliveredCatalogue, metricNamed, otherVersions, type Source } from "./catalogue.ts";
import { collectorOf, collectors } from "./collectors.ts";

const source = (name: string, metrics: Source["metrics"]): Source => ({
  source: name,
  version: "1",
  how: "captured",
  metrics,
});
const { metricNamed: named } = catalogueOf([
  source("a", {
    took_seconds: { type: "histogram", labels: ["path"] },
    waited_seconds: { type: "summary", labels: [] },
    error_count: { type: "gauge", labels: ["kind"], roles: ["primary"] },
    bare: { type: "untyped", labels: [] },
  }),
  source("b", { error_count: { type: "gauge", labels: ["other"] } }),
]);

it("knows the series of histograms and summaries, and that a histogram has none of its bare name", () => {
  expect(named("took_seconds_bucket")).toMatchObject({ family: "took_seconds", type: "counter" });
  expect(named("took_seconds_bucket")?.labels).toEqual(["path", "le"]);
  expect(named("took_seconds_count")).toMatchObject({ type: "counter", labels: ["path"] });
  expect(named("waited_seconds")).toMatchObject({ type: "summary", labels: ["quantile"] });
  expect(named("waited_seconds_sum")).toMatchObject({ family: "waited_seconds", type: "counter" });
  for (const absent of ["took_seconds", "waited_seconds_bucket", "bare_count", "toString", ""]) {
    expect(named(absent)).toBeUndefined();
  }
});

it("says in which sources a metric is, at which servers, and with which labels in any of them", () => {
  expect(named("error_count")).toEqual({
    name: "error_count",
    family: "error_count",
    type: "gauge",
    labels: ["kind", "other"],
    sources: [
      { source: "a", version: "1", how: "captured", roles: ["primary"] },
      { source: "b", version: "1", how: "captured" },
    ],
  });
});

it("knows what the lab's programs expose, and nothing that only other versions of them do", () => {
  expect(metricNamed("up")?.type).toBe("gauge");
  expect(metricNamed("pg_stat_database_xact_commit")?.labels).toEqual(["datid", "datname"]);
  expect(metricNamed("pg_replication_slot_wal_status")?.sources).toMatchObject([
    { source: "postgres_exporter", roles: ["primary"] },
  ]);
  expect(metricNamed("pg_stat_user_tables_table_size_bytes")).toBeUndefined();
  expect(otherVersions().metricNamed("pg_stat_user_tables_table_size_bytes")).toBeDefined();
});

it("holds each file to the form, and one type to a name", () => {
  const types = new Set(["gauge", "counter", "histogram", "summary", "untyped"]);
  const added = new Set(["job", "instance", "site", "le"]);
  const malformed: string[] = [];
  for (const { sources } of [deliveredCatalogue(), otherVersions()]) {
    for (const { source, version, how, origin, metrics } of sources) {
      expect(["captured", "produced", "documented"], source).toContain(how);
      expect(version, source).toMatch(/./);
      if (how !== "produced") expect(origin, `where the metrics of ${source} are from`).toMatch(/./);
      for (const [name, { type, labels }] of Object.entries(metrics)) {
        if (!types.has(type) || labels.some((label) => added.has(label))) malformed.push(name);
      }
    }
  }
  const typeOf = new Map<string, string>();
  for (const { metrics } of deliveredCatalogue().sources) {
    for (const [name, { type }] of Object.entries(metrics)) {
      if ((typeOf.get(name) ?? type) !== type) malformed.push(`${name} is ${type} elsewhere`);
      typeOf.set(name, type);
    }
  }
  expect(malformed).toEqual([]);
});

it("has metrics of every collector that is switched on, and of none that is off", () => {
  const names = deliveredCatalogue().sources.flatMap(({ metrics }) => Object.keys(metrics));
  for (const { flag, prefix, enabled } of Object.values(collectors).flat()) {
    expect(
      names.some((name) => collectorOf(name)?.prefix === prefix),
      flag,
    ).toBe(enabled);
  }
});

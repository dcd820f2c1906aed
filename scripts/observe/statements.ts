import { Failure } from "../exit-codes.ts";
import type { Family, Sample } from "../metrics/family.ts";
import { quoteIdentifier } from "../postgres/quote.ts";
import { ownRoles } from "./config.ts";
import type { ReadPart } from "./part.ts";
import type { Histogram, State } from "./state.ts";

/** Upper bounds in seconds, M3's 0.1 and 0.5 among them. */
export const bounds = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** A statement of one role in one database, as pg_stat_statements has counted it since it knows it. */
export interface Counted {
  database: string;
  key: string;
  calls: number;
  milliseconds: number;
}

/**
 * Adds what has been called since the last look. The server tells no durations but the sum for each statement: so
 * those calls count with their mean. Nothing counts at the first look, whose calls are of any age.
 */
export function countStatements(
  previous: State["statements"],
  current: readonly Counted[],
): NonNullable<State["statements"]> {
  const databases = [...new Set(current.map(({ database }) => database))];
  const histograms = Object.fromEntries(
    databases.map((database): [string, Histogram] => {
      const { counts, sumSeconds } = previous?.histograms[database] ?? { counts: [], sumSeconds: 0 };
      return [
        database,
        { counts: Array.from({ length: bounds.length + 1 }, (_, index) => counts[index] ?? 0), sumSeconds },
      ];
    }),
  );
  for (const { database, key, calls, milliseconds } of current) {
    const histogram = histograms[database];
    if (previous === null || histogram === undefined) continue;
    const [before, millisecondsBefore] = previous.counted[key] ?? [0, 0];
    // Fewer than before: the statistics were reset, or the statement was forgotten and came again.
    const isAnew = calls < before || milliseconds < millisecondsBefore;
    const more = isAnew ? calls : calls - before;
    if (more === 0) continue;
    const seconds = (isAnew ? milliseconds : milliseconds - millisecondsBefore) / 1000;
    const mean = seconds / more;
    const bucket = bounds.findIndex((bound) => mean <= bound);
    const index = bucket === -1 ? bounds.length : bucket;
    histogram.counts[index] = (histogram.counts[index] ?? 0) + more;
    histogram.sumSeconds += seconds;
  }
  return {
    counted: Object.fromEntries(current.map(({ key, calls, milliseconds }) => [key, [calls, milliseconds]])),
    histograms,
  };
}

/** How long statements take, without those of the lab's own roles. */
export const readStatements: ReadPart = async ({ config, session, server, state }) => {
  const cluster = config.cluster.name;
  const [extension] = await session.rows<{ schema: string }>(
    "select nspname as schema from pg_extension e join pg_namespace n on n.oid = extnamespace where extname = 'pg_stat_statements'",
  );
  if (extension === undefined)
    throw new Failure(
      "preflight",
      `database ${config.cluster.maintenanceDatabase} lacks an extension: add pg_stat_statements to shared_preload_libraries and CREATE EXTENSION pg_stat_statements there`,
    );
  const schema = quoteIdentifier(extension.schema);
  const current = await session.rows<Counted>(
    `select datname as database, concat_ws('/', dbid, userid, queryid) as key,
            sum(calls)::float8 as calls, sum(total_exec_time)::float8 as milliseconds
       from ${schema}.pg_stat_statements(false) join pg_database d on d.oid = dbid
      where queryid is not null and not exists (select from pg_roles r where r.oid = userid and rolname = any ($1))
      group by 1, 2`,
    [ownRoles(config)],
  );
  const statements = countStatements(state.statements, current);
  state.statements = statements;
  const evictions =
    server.major < 14
      ? []
      : await session.rows<{ value: number }>(
          `select dealloc::float8 as value from ${schema}.pg_stat_statements_info`,
        );
  return [
    {
      name: "dbkeeper_observed_statement_evictions_total",
      help: "How often pg_stat_statements has forgotten the rarest statements, for which it had no room.",
      type: "counter",
      samples: evictions.map(({ value }) => ({ labels: { cluster }, value })),
    },
  ];
};

/** The histograms as they are known, also where the server does not answer: they count on. */
export function statementFamilies(cluster: string, { statements }: State): Family[] {
  return [
    {
      name: "dbkeeper_observed_statement_duration_seconds",
      help: "Calls of statements by the mean duration that the statement had in the minute of the call.",
      type: "histogram",
      samples: Object.entries(statements?.histograms ?? {}).flatMap(([database, histogram]) =>
        histogramSamples({ cluster, database }, histogram),
      ),
    },
  ];
}

function histogramSamples(
  labels: Readonly<Record<string, string>>,
  { counts, sumSeconds }: Histogram,
): Sample[] {
  let sum = 0;
  const buckets = [...bounds.map(String), "+Inf"].map((le, index): Sample => {
    sum += counts[index] ?? 0;
    return { suffix: "_bucket", labels: { ...labels, le }, value: sum };
  });
  return [
    ...buckets,
    { suffix: "_sum", labels, value: sumSeconds },
    { suffix: "_count", labels, value: sum },
  ];
}

import { oneRow } from "../postgres/session.ts";
import { lasting, type ReadPart, samplesOf } from "./part.ts";

/** Data checksums and the versions of collations that indexes were built with. */
export const readIntegrity: ReadPart = async ({ config, session, server }) => {
  const cluster = config.cluster.name;
  const { enabled } = await oneRow<{ enabled: boolean }>(
    session,
    "select current_setting('data_checksums')::boolean as enabled",
  );
  const failures = await session.rows<{ database: string; failures: number | null; last: number | null }>(
    `select coalesce(datname, '(shared)') as database, checksum_failures::float8 as failures,
            extract(epoch from checksum_last_failure)::float8 as last
       from pg_stat_database where datname is null or ${lasting("datname")} order by 1`,
  );
  // Before 15 a database has no version of its own; collations are looked at in each database.
  const collations =
    server.major < 15
      ? []
      : await session.rows<{ database: string; mismatch: number }>(
          `select datname as database,
                  (datcollversion is distinct from pg_database_collation_actual_version(oid)
                   and datcollversion is not null)::int as mismatch
             from pg_database where ${lasting("datname")} order by 1`,
        );
  const labels = ({ database }: { database: string }) => ({ cluster, database });
  return [
    {
      name: "dbkeeper_observed_data_checksums",
      help: "Whether the server keeps checksums of its pages (1) or not (0).",
      samples: [{ labels: { cluster }, value: enabled ? 1 : 0 }],
    },
    {
      name: "dbkeeper_observed_checksum_failures_total",
      help: "Pages with a wrong checksum, as the server has counted them.",
      type: "counter",
      samples: samplesOf(failures, labels, (row) => row.failures),
    },
    {
      name: "dbkeeper_observed_checksum_last_failure_timestamp_seconds",
      help: "When a page with a wrong checksum was last found, Unix time.",
      samples: samplesOf(failures, labels, ({ last }) => (last === null ? null : Math.floor(last))),
    },
    {
      name: "dbkeeper_observed_collation_mismatch",
      help: "Whether the database's collation is of another version than the one it was made with (1).",
      samples: samplesOf(collations, labels, ({ mismatch }) => mismatch),
    },
  ];
};

import { Failure, messageOf } from "../exit-codes.ts";
import type { Family } from "../metrics/family.ts";
import { oneRow, type Session } from "../postgres/session.ts";
import { hasCode } from "../system/files.ts";
import type { ObserveConfig } from "./config.ts";
import { type Look, lasting, type ReadPart, samplesOf } from "./part.ts";

/** What can only be seen from inside a database. */
interface Inside {
  database: string;
  invalidIndexes: number;
  outdatedCollations: number;
  /** `null` on a standby, which counts no dead rows. */
  tables: { unvacuumed: number; unanalyzed: number; deadRatio: number } | null;
}

/** One database after the other, by a session each; such as nobody may connect to hold nothing of anybody. */
export const readDatabases: ReadPart = async (look) => {
  const { config, session } = look;
  const cluster = config.cluster.name;
  const listed = await session.rows<{ database: string; allowed: boolean }>(
    `select datname as database, has_database_privilege(oid, 'connect') as allowed from pg_database
      where datallowconn and not datistemplate and datconnlimit <> -2 and ${lasting("datname")} order by 1`,
  );
  const refused = listed.find(({ allowed }) => !allowed);
  if (refused !== undefined)
    throw new Failure(
      "preflight",
      `the role may not connect to database ${JSON.stringify(refused.database)}: GRANT CONNECT ON DATABASE to it`,
    );
  const found: Inside[] = [];
  for (const { database } of listed) {
    const inside = await lookInside(look, database);
    if (inside !== undefined) found.push(inside);
  }
  const workers = await oneRow<{ busy: number; maximum: number }>(
    session,
    `select count(*)::int as busy, current_setting('autovacuum_max_workers')::int as maximum
       from pg_stat_activity where backend_type = 'autovacuum worker'`,
  );
  return [...insideFamilies(cluster, found), ...workerFamilies(cluster, workers)];
};

/** `undefined` where it was dropped meanwhile. */
async function lookInside(look: Look, database: string): Promise<Inside | undefined> {
  let session: Session | undefined;
  try {
    session = await look.open(database);
    const objects = await oneRow<Pick<Inside, "invalidIndexes" | "outdatedCollations">>(session, objectsSql);
    const tables = look.server.inRecovery
      ? null
      : await oneRow<NonNullable<Inside["tables"]>>(session, tablesSql(look.config.observe));
    return { database, ...objects, tables };
  } catch (error) {
    const [still] = await look.session.rows("select from pg_database where datname = $1", [database]);
    if (still === undefined) return undefined;
    if (hasCode(error, "57P01")) return undefined;
    throw new Failure("partial", `database ${JSON.stringify(database)}: ${messageOf(error)}`, {
      cause: error,
    });
  } finally {
    await session?.close();
  }
}

/** Only collations that something depends on: to ask for the version of all takes ten times as long. */
const objectsSql = `select
  (select count(*)::int from pg_index i where not indisvalid
      and not exists (select from pg_stat_progress_create_index p
                       where p.datid = (select oid from pg_database where datname = current_database())
                         and p.index_relid = i.indexrelid)) as "invalidIndexes",
  (select count(*)::int from pg_collation c
    where collversion is not null
      and exists (select from pg_depend where refclassid = 'pg_collation'::regclass and refobjid = c.oid)
      and collversion is distinct from pg_collation_actual_version(c.oid)) as "outdatedCollations"`;

function tablesSql({ rowMinimum, rowShare, neglectedHours }: ObserveConfig): string {
  const longAgo = (...columns: string[]) =>
    `coalesce(greatest(${columns.join(", ")}), '-infinity') < now() - interval '${neglectedHours} hours'`;
  const ratio = "n_dead_tup::float8 / greatest(n_live_tup + n_dead_tup, 1)";
  return `select
    count(*) filter (where n_dead_tup >= ${rowMinimum} and ${ratio} >= ${rowShare}
                       and ${longAgo("last_vacuum", "last_autovacuum")})::int as unvacuumed,
    count(*) filter (where n_mod_since_analyze >= ${rowMinimum} and n_mod_since_analyze >= ${rowShare} * n_live_tup
                       and ${longAgo("last_analyze", "last_autoanalyze")})::int as unanalyzed,
    coalesce(max(${ratio}) filter (where n_dead_tup >= ${rowMinimum}), 0)::float8 as "deadRatio"
    from pg_stat_user_tables`;
}

function insideFamilies(cluster: string, found: readonly Inside[]): Family[] {
  const each = (valueFor: (inside: Inside) => number | undefined) =>
    samplesOf(found, ({ database }) => ({ cluster, database }), valueFor);
  return [
    {
      name: "dbkeeper_observed_invalid_indexes",
      help: "Indexes that no query uses because they are not complete, without those that are being built.",
      samples: each(({ invalidIndexes }) => invalidIndexes),
    },
    {
      name: "dbkeeper_observed_outdated_collations",
      help: "Collations in use that are of another version than the one that objects were built with.",
      samples: each(({ outdatedCollations }) => outdatedCollations),
    },
    {
      name: "dbkeeper_observed_unvacuumed_tables",
      help: "Tables with many dead rows that nobody has vacuumed lately.",
      samples: each(({ tables }) => tables?.unvacuumed),
    },
    {
      name: "dbkeeper_observed_unanalyzed_tables",
      help: "Tables with many changed rows that nobody has analyzed lately.",
      samples: each(({ tables }) => tables?.unanalyzed),
    },
    {
      name: "dbkeeper_observed_dead_row_ratio",
      help: "Dead rows as a part of all, in the worst of the tables that have many.",
      samples: each(({ tables }) => tables?.deadRatio),
    },
  ];
}

function workerFamilies(cluster: string, { busy, maximum }: { busy: number; maximum: number }): Family[] {
  return [
    {
      name: "dbkeeper_observed_autovacuum_workers",
      help: "Workers of autovacuum that are busy.",
      samples: [{ labels: { cluster }, value: busy }],
    },
    {
      name: "dbkeeper_observed_autovacuum_workers_max",
      help: "Workers of autovacuum that there may be.",
      samples: [{ labels: { cluster }, value: maximum }],
    },
  ];
}

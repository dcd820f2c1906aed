import type { Session } from "../postgres/session.ts";
import type { Bloat } from "./result.ts";
import type { Rights } from "./tables.ts";

/** Below this nothing is looked at: what is so small cannot waste much. */
const minimumBytes = 1024 ** 2;

/** A table or B-tree index, with an estimate of the bytes that it would need; `null` without statistics. */
interface Relation {
  oid: number;
  schema: string;
  name: string;
  kind: "table" | "index";
  bytes: number;
  expectedBytes: number | null;
}

/**
 * Bloat of the tables and B-tree indexes from 1 MiB on, the most first: measured where pgstattuple is there and may be
 * used (an index is then read as a whole), else estimated from statistics. What has no statistics is not in it.
 */
export async function readBloat(
  session: Session,
  database: string,
  rights: Rights,
  kinds: readonly Relation["kind"][],
  signal: AbortSignal,
): Promise<Bloat[]> {
  const relations = await session.rows<Relation>(relationsQuery(rights));
  const found: Bloat[] = [];
  for (const relation of relations.filter(({ kind }) => kinds.includes(kind))) {
    signal.throwIfAborted();
    const { schema, name, kind, bytes } = relation;
    const measured = await measure(session, rights, relation);
    const estimated =
      relation.expectedBytes === null ? undefined : Math.max(0, bytes - relation.expectedBytes);
    const bloatBytes = measured ?? estimated;
    if (bloatBytes === undefined) continue;
    const method = measured === undefined ? "estimated" : "measured";
    found.push({ database, schema, name, kind, bytes, bloatBytes: Math.round(bloatBytes), method });
  }
  return found.toSorted((a, b) => b.bloatBytes - a.bloatBytes);
}

/** `undefined` where it cannot be measured, also where the relation is gone or locked. */
async function measure(
  session: Session,
  { pgstattuple }: Rights,
  { kind, oid }: Relation,
): Promise<number | undefined> {
  if (pgstattuple === undefined) return undefined;
  const sql =
    kind === "table"
      ? `select (dead_tuple_len + approx_free_space)::float8 as bytes from ${pgstattuple}.pgstattuple_approx(${oid}::regclass)`
      : // A page that was just built is 90 % full.
        `select index_size * greatest(0, 1 - coalesce(nullif(avg_leaf_density, 'NaN'), 0) / 90) as bytes
           from ${pgstattuple}.pgstatindex(${oid}::regclass)`;
  const rows = await session.rows<{ bytes: number }>(sql).catch(() => []);
  return rows[0]?.bytes;
}

/**
 * Expected size: rows as many as the last ANALYZE counted, each with its header, its line pointer and the average
 * width of its columns, in pages filled as the table or index says (indexes: 90 % where it says nothing).
 * https://www.postgresql.org/docs/current/storage-page-layout.html has the sizes. Deduplication makes an index smaller
 * than that, so an estimate never finds what is not there, but may miss what is.
 */
const relationsQuery = ({ readsStatistics }: Rights) => `
with relation as (
  select c.oid, n.nspname, c.relname, c.relkind, c.reltuples, coalesce(x.indrelid, c.oid) as table_oid, x.indkey,
         c.relpages::float8 * current_setting('block_size')::int as bytes,
         coalesce((select option_value::int from pg_options_to_table(c.reloptions) where option_name = 'fillfactor'),
                  case when c.relkind = 'i' then 90 else 100 end) / 100.0 as fill
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    left join pg_index x on x.indexrelid = c.oid
   where (c.relkind in ('r', 'm') or c.relkind = 'i' and x.indisvalid and c.relam = (select oid from pg_am where amname = 'btree'))
     and c.relpersistence <> 't' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
), width as (
  select r.oid, count(*) as columns, count(s.avg_width) as known,
         sum((1 - s.null_frac) * s.avg_width) as bytes
    from relation r
    join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attribute k on k.attrelid = r.table_oid and r.relkind = 'i' and k.attnum = r.indkey[a.attnum - 1]
                            and k.attnum > 0
    join pg_class o on o.oid = case when k.attnum is null then r.oid else r.table_oid end
    join pg_namespace n on n.oid = o.relnamespace
    left join ${
      readsStatistics
        ? "(select starelid, staattnum, stainherit, stanullfrac as null_frac, stawidth as avg_width from pg_statistic) s on s.starelid = o.oid and s.staattnum = coalesce(k.attnum, a.attnum) and not s.stainherit"
        : // Shows only columns that the role may read.
          "pg_stats s on s.schemaname = n.nspname and s.tablename = o.relname and s.attname = coalesce(k.attname, a.attname) and not s.inherited"
    }
   group by r.oid
)
select r.oid::int8::float8 as oid, r.nspname as schema, r.relname as name,
       case when r.relkind = 'i' then 'index' else 'table' end as kind, r.bytes,
       case when r.reltuples >= 0 and w.columns = w.known then
         ceil(r.reltuples * (case when r.relkind = 'i' then 8 else 24 end + ceil(w.bytes / 8) * 8 + 4)
              / ((current_setting('block_size')::int - 40) * r.fill)) * current_setting('block_size')::int
       end::float8 as "expectedBytes"
  from relation r join width w on w.oid = r.oid
 where r.bytes >= ${minimumBytes}
 order by r.bytes desc`;

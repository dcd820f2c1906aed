import type { Context } from "../context.ts";
import { messageOf } from "../exit-codes.ts";
import { connect, oneRow } from "../postgres/session.ts";
import { redact } from "../system/child.ts";

const timeoutSeconds = 10;

/** Largest and smallest value of the types that a sequence may be, and that a column may have which it fills. */
const bounds = "(values ('int2', 32767::numeric), ('int4', 2147483647), ('int8', 9223372036854775807))";

/**
 * How much of its values the sequence of a database has used that has used most of them, 0 to 1; 0 where there is none.
 * In a session of its own: one that is dropped meanwhile must not take the dump with it. `null` where it cannot be told.
 */
export async function sequenceUsedRatio(
  { config, report }: Pick<Context, "config" | "report">,
  database: string,
): Promise<number | null> {
  try {
    const session = await connect(config.cluster, database, timeoutSeconds);
    try {
      return (await oneRow<{ ratio: number }>(session, sql)).ratio;
    } finally {
      await session.close();
    }
  } catch (error) {
    const text = `cannot tell how near the sequences of ${JSON.stringify(database)} are to their ends: ${redact(messageOf(error))}`;
    report.event("warning", "sequences-not-read", text, { database });
    return null;
  }
}

/** A sequence ends where the column ends that it fills, be it made for more. One that begins anew by itself never ends. */
const sql = `with bound (type, most) as ${bounds},
          sequence as (
            select s.seqincrement > 0 as rises,
                   coalesce(pg_sequence_last_value(s.seqrelid), s.seqstart)::numeric as last,
                   greatest(s.seqmin, -coalesce(min(bound.most), 9223372036854775807) - 1) as lowest,
                   least(s.seqmax, coalesce(min(bound.most), 9223372036854775807)) as highest
              from pg_sequence s
              join pg_class c on c.oid = s.seqrelid and c.relpersistence = 'p'
              left join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = s.seqrelid
                and d.refclassid = 'pg_class'::regclass and d.refobjsubid > 0 and d.deptype in ('a', 'i')
              left join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
              left join pg_type t on t.oid = a.atttypid
              left join bound on bound.type = t.typname
             where not s.seqcycle and has_sequence_privilege(s.seqrelid, 'SELECT')
             group by s.seqrelid, s.seqincrement, s.seqstart, s.seqmin, s.seqmax)
     select coalesce(max(case when highest <= lowest then 0
                              when rises then (last - lowest) / (highest - lowest)
                              else (highest - last) / (highest - lowest) end), 0)::float8 as ratio
       from sequence`;

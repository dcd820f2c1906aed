import { oneRow, type Session } from "../postgres/session.ts";
import type { TableState } from "./choose.ts";

/** Which rights the server knows, and the functions of pgstattuple where it may use them. */
export interface Rights {
  /** PostgreSQL 17 brought the privilege MAINTAIN, and the role pg_maintain that has it everywhere. */
  hasMaintain: boolean;
  /** Whether it may read how wide columns are (only that) of tables whose rows it may not read. */
  readsStatistics: boolean;
  /** Quoted schema of pgstattuple; `undefined` where it is not there or may not be used. */
  pgstattuple: string | undefined;
}

/** What bloat is estimated from: no column of these holds anything of a row. */
export const statisticsColumns = ["starelid", "staattnum", "stainherit", "stanullfrac", "stawidth"] as const;

/** Asks a database for them. */
export async function readRights(session: Session): Promise<Rights> {
  const { major, readsStatistics } = await oneRow<{ major: number; readsStatistics: boolean }>(
    session,
    `select current_setting('server_version_num')::int / 10000 as major,
            bool_and(has_column_privilege('pg_catalog.pg_statistic', name, 'select')) as "readsStatistics"
       from unnest('{${statisticsColumns.join(", ")}}'::text[]) name`,
  );
  const [extension] = await session.rows<{ schema: string }>(
    `select quote_ident(n.nspname) as schema
       from pg_extension e join pg_namespace n on n.oid = e.extnamespace
      where e.extname = 'pgstattuple' and has_schema_privilege(n.oid, 'usage')
        and not exists (select from pg_depend d join pg_proc p on p.oid = d.objid and d.classid = 'pg_proc'::regclass
                         where d.refobjid = e.oid and d.deptype = 'e'
                           and p.proname in ('pgstattuple_approx', 'pgstatindex')
                           and not has_function_privilege(p.oid, 'execute'))`,
  );
  return {
    hasMaintain: major >= 17,
    readsStatistics,
    pgstattuple: extension?.schema,
  };
}

/** The tables of a database that are not the system's, by name. Temporary ones belong to their sessions. */
export async function readTables(session: Session, { hasMaintain }: Rights): Promise<TableState[]> {
  const maintain = hasMaintain ? "or has_table_privilege(c.oid, 'maintain')" : "";
  return await session.rows<TableState>(
    `select n.nspname as schema, c.relname as name, c.relkind = 'p' as "isPartitioned",
            coalesce(s.n_live_tup, 0)::float8 as "liveRows", coalesce(s.n_dead_tup, 0)::float8 as "deadRows",
            coalesce(s.n_mod_since_analyze, 0)::float8 as "changedRows",
            coalesce(s.last_analyze, s.last_autoanalyze) is not null as "everAnalyzed",
            case when c.relkind = 'p' then 0
                 else greatest(age(c.relfrozenxid), case when t.oid is null then 0 else age(t.relfrozenxid) end)
            end as age,
            pg_has_role(c.relowner, 'usage') or pg_has_role(d.datdba, 'usage') ${maintain} as "mayMaintain"
       from pg_class c
       join pg_namespace n on n.oid = c.relnamespace
       join pg_database d on d.datname = current_database()
       left join pg_stat_all_tables s on s.relid = c.oid
       left join pg_class t on t.oid = c.reltoastrelid
      where c.relkind in ('r', 'm', 'p') and c.relpersistence <> 't'
        and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      order by n.nspname collate "C", c.relname collate "C"`,
  );
}

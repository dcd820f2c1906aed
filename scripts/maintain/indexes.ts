import type { Session } from "../postgres/session.ts";
import type { Rights } from "./tables.ts";

/** An index that a REINDEX or CREATE INDEX CONCURRENTLY which did not end has left. */
export interface InvalidIndex {
  schema: string;
  name: string;
  /** Left by REINDEX CONCURRENTLY, which names them so: nothing uses it. One that was created invalid has an owner who may know why. */
  isLeftover: boolean;
  mayReindex: boolean;
}

/** An index that REINDEX CONCURRENTLY takes. */
export interface Index {
  schema: string;
  name: string;
  mayReindex: boolean;
}

/** Invalid indexes; none while somebody builds an index in this database, because that one is invalid too. */
export async function readInvalidIndexes(session: Session, rights: Rights): Promise<InvalidIndex[]> {
  return await session.rows<InvalidIndex>(
    `select n.nspname as schema, c.relname as name, c.relname ~ '_cc(new|old)[0-9]*$' as "isLeftover",
            ${mayReindex(rights)} as "mayReindex"
       from pg_index x join pg_class c on c.oid = x.indexrelid join pg_namespace n on n.oid = c.relnamespace
      where not x.indisvalid and c.relkind = 'i'
        and not exists (select from pg_stat_progress_create_index p where p.datname = current_database())
      order by 1, 2`,
  );
}

/** Every index but the system's, those of exclusion constraints, and the invalid ones. */
export async function readIndexes(session: Session, rights: Rights): Promise<Index[]> {
  return await session.rows<Index>(
    `select n.nspname as schema, c.relname as name, ${mayReindex(rights)} as "mayReindex"
       from pg_index x join pg_class c on c.oid = x.indexrelid join pg_namespace n on n.oid = c.relnamespace
      where x.indisvalid and not x.indisexclusion and c.relkind = 'i' and c.relpersistence <> 't'
        and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      order by n.nspname collate "C", c.relname collate "C"`,
  );
}

/** Owning the database is not enough to rebuild an index of it. */
function mayReindex({ hasMaintain }: Rights): string {
  const maintain = hasMaintain ? "or has_table_privilege(x.indrelid, 'maintain')" : "";
  return `(pg_has_role(c.relowner, 'usage') ${maintain})`;
}

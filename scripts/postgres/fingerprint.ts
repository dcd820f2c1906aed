import type { Fingerprint } from "../runs/manifest.ts";
import { quoteIdentifier } from "./quote.ts";
import { oneRow, type Session } from "./session.ts";

/** A table whose rows a dump holds. */
export interface Table {
  schema: string;
  name: string;
  /** Sorted by name: a restored child table may have its columns in another order. */
  columns: string[];
  /** Unlogged, on a standby: cannot be read there, is dumped empty. */
  unreadable: boolean;
}

/**
 * Lists the tables that pg_dump takes: no system tables, none that belong to an extension, no temporary ones.
 */
export async function listTables(session: Session): Promise<Table[]> {
  return await session.rows<{ schema: string; name: string; columns: string[]; unreadable: boolean }>(
    `select n.nspname as schema, c.relname as name, c.relpersistence = 'u' and pg_is_in_recovery() as unreadable,
            coalesce((select json_agg(a.attname order by a.attname collate "C") from pg_attribute a
                       where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '[]') as columns
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p') and c.relpersistence <> 't'
        and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
        and not exists (select from pg_depend d
                         where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
      order by n.nspname collate "C", c.relname collate "C"`,
  );
}

/**
 * Locks tables as pg_dump will. Taken before pg_dump starts so that no TRUNCATE, which ignores snapshots, can
 * come between its reading and ours. `lock_timeout` of the session says how long to wait.
 */
export async function lockTables(session: Session, tables: readonly Table[]): Promise<void> {
  const batch = 200;
  for (let start = 0; start < tables.length; start += batch) {
    const names = tables.slice(start, start + batch).map((table) => `only ${qualifiedName(table)}`);
    await session.execute(`lock table ${names.join(", ")} in access share mode`);
  }
}

/** Counts and hashes every row of these tables and every large object, as the session's snapshot sees them. */
export async function takeFingerprint(
  session: Session,
  tables: readonly Table[],
  signal: AbortSignal,
): Promise<Fingerprint> {
  const result: Fingerprint = { tables: [], largeObjects: { rows: 0, checksum: "0" } };
  for (const table of tables) {
    signal.throwIfAborted();
    if (table.unreadable) {
      result.tables.push({ schema: table.schema, name: table.name, rows: 0, checksum: "0" });
      continue;
    }
    const row = table.columns.map((column) => `t.${quoteIdentifier(column)}`).join(", ");
    const content = await oneRow<{ rows: string; checksum: string }>(
      session,
      `select count(*) as rows, coalesce(sum(hashtextextended(row(${row})::text collate "C", 0)), 0)::text as checksum
         from only ${qualifiedName(table)} t`,
    );
    result.tables.push({
      schema: table.schema,
      name: table.name,
      rows: Number(content.rows),
      checksum: content.checksum,
    });
  }
  signal.throwIfAborted();
  const objects = await oneRow<{ rows: string; checksum: string }>(session, largeObjectsQuery);
  result.largeObjects = { rows: Number(objects.rows), checksum: objects.checksum };
  return result;
}

/** Counts the rows of these tables without reading what is in them. */
export async function countRows(
  session: Session,
  tables: readonly Table[],
  signal: AbortSignal,
): Promise<{ schema: string; name: string; rows: number }[]> {
  const counted: { schema: string; name: string; rows: number }[] = [];
  for (const table of tables) {
    signal.throwIfAborted();
    const { rows } = await oneRow<{ rows: string }>(
      session,
      `select count(*) as rows from only ${qualifiedName(table)}`,
    );
    counted.push({ schema: table.schema, name: table.name, rows: Number(rows) });
  }
  return counted;
}

// In pieces of 1 MiB, because a large object may be larger than what one value can hold.
const largeObjectsQuery = `
with recursive piece(oid, number, bytes, hash) as (
  select m.oid, 0::bigint, octet_length(p), md5(p)
    from pg_largeobject_metadata m, lateral lo_get(m.oid, 0, 1048576) p
  union all
  select piece.oid, piece.number + 1, octet_length(p), md5(p)
    from piece, lateral lo_get(piece.oid, (piece.number + 1) * 1048576, 1048576) p
   where piece.bytes = 1048576
)
select count(*) filter (where number = 0) as rows,
       coalesce(sum(hashtextextended(concat_ws(':', oid, number, hash) collate "C", 0)), 0)::text as checksum
  from piece`;

/** What differs between what was dumped and what came back; empty where they are equal. */
export function compareFingerprints(expected: Fingerprint, actual: Fingerprint): string[] {
  const differences: string[] = [];
  const found = new Map(actual.tables.map((table) => [keyOf(table), table]));
  for (const table of expected.tables) {
    const other = found.get(keyOf(table));
    found.delete(keyOf(table));
    if (other === undefined) differences.push(`table ${qualifiedName(table)} is missing`);
    else if (other.rows !== table.rows) {
      differences.push(`table ${qualifiedName(table)} has ${other.rows} rows instead of ${table.rows}`);
    } else if (other.checksum !== table.checksum) {
      differences.push(`table ${qualifiedName(table)} has ${table.rows} rows, but with other content`);
    }
  }
  for (const table of found.values()) differences.push(`table ${qualifiedName(table)} was not in the source`);
  const [before, after] = [expected.largeObjects, actual.largeObjects];
  if (before.rows !== after.rows) {
    differences.push(`${after.rows} large objects instead of ${before.rows}`);
  } else if (before.checksum !== after.checksum) differences.push("large objects have other content");
  return differences;
}

function qualifiedName(table: { schema: string; name: string }): string {
  return `${quoteIdentifier(table.schema)}.${quoteIdentifier(table.name)}`;
}

function keyOf(table: { schema: string; name: string }): string {
  return JSON.stringify([table.schema, table.name]);
}

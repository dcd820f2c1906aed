import { messageOf } from "../exit-codes.ts";
import { quoteIdentifier } from "../postgres/quote.ts";
import { scratchSchema } from "../postgres/scratch-name.ts";
import type { Session } from "../postgres/session.ts";
import type { Validation } from "../runs/manifest.ts";

type IndexesResult = NonNullable<Validation["databases"][number]["indexes"]>;

/**
 * Checks the B-tree indexes of a restored copy by the extension amcheck: that each is in order, and that every row
 * of its table is in it. Makes the extension where the role may, in a schema of its own; where it may not, or the
 * server does not have it, nothing is checked and the result says so.
 */
export async function checkIndexes(session: Session, signal: AbortSignal): Promise<IndexesResult> {
  const prepared = await prepare(session);
  if ("reason" in prepared) return { outcome: "not-checked", checked: 0, reason: prepared.reason };
  try {
    const indexes = await session.rows(
      `select ${prepared.schema}.bt_index_check(i.indexrelid::regclass, i.indisvalid)
         from pg_index i
         join pg_class c on c.oid = i.indexrelid
         join pg_am a on a.oid = c.relam
         join pg_namespace n on n.oid = c.relnamespace
        where a.amname = 'btree' and c.relkind = 'i' and c.relpersistence <> 't' and i.indisready
          and n.nspname not in ('pg_catalog', 'information_schema') and i.indexrelid >= 16384`,
    );
    return { outcome: "passed", checked: indexes.length, reason: null };
  } catch (error) {
    signal.throwIfAborted();
    return { outcome: "failed", checked: 0, reason: `amcheck: ${messageOf(error)}` };
  }
}

/** Schema of the extension, quoted, or why it cannot be used. It may have come with the dump. */
async function prepare(session: Session): Promise<{ schema: string } | { reason: string }> {
  const [installed] = await session.rows<{ schema: string; allowed: boolean }>(
    `select n.nspname as schema, bool_and(has_function_privilege(p.oid, 'execute')) as allowed
       from pg_extension e
       join pg_namespace n on n.oid = e.extnamespace
       join pg_proc p on p.pronamespace = n.oid and p.proname = 'bt_index_check'
      where e.extname = 'amcheck' group by n.nspname`,
  );
  if (installed?.allowed === false) return { reason: "the role may not use the extension amcheck" };
  if (installed !== undefined) return { schema: quoteIdentifier(installed.schema) };
  const [available] = await session.rows("select from pg_available_extensions where name = 'amcheck'");
  if (available === undefined) return { reason: "the server does not have the extension amcheck" };
  try {
    await session.execute(`create schema ${scratchSchema}; create extension amcheck schema ${scratchSchema}`);
    return { schema: scratchSchema };
  } catch (error) {
    return { reason: `the role may not create the extension amcheck (${messageOf(error)})` };
  }
}

import { messageOf } from "../exit-codes.ts";
import { quoteIdentifier } from "../postgres/quote.ts";
import type { Session } from "../postgres/session.ts";
import type { Target } from "./target.ts";

/** What is to happen in the one transaction that puts a restored database into its place. */
export interface Swap {
  /** The database that gets the name: one that was restored under another, or was replaced before. */
  restored: string;
  name: string;
  /** Owner, settings and rights of the database, as statements about `restored`. */
  properties: readonly string[];
  replace: boolean;
  now: Date;
}

/**
 * Gives a restored database its name and properties; one that has that name keeps everything under another,
 * which is returned. All or nothing: one transaction. Sessions of both are ended; new ones
 * wait until it is decided, and one that had already begun may be told once that the database does not exist. Fails
 * where the name is taken and nothing is to be replaced.
 */
export async function swapIn(target: Target, swap: Swap): Promise<string | undefined> {
  const { restored, name, properties, replace, now } = swap;
  const session = await target.open();
  const other = await target.open();
  let ended = false;
  try {
    const names = (await session.rows<{ name: string }>("select datname as name from pg_database")).map(
      (row) => row.name,
    );
    const exists = names.includes(name);
    if (exists && !replace) {
      throw new Error(`${JSON.stringify(name)} was made on the target meanwhile; it stays as it is`);
    }
    const kept = exists ? replacedName(name, now, names) : undefined;
    const statements = [
      "begin",
      ...(kept === undefined ? [] : [rename(name, kept)]),
      ...properties,
      rename(restored, name),
      "commit",
    ];
    // Renaming waits five seconds for the sessions to end and holds new ones off meanwhile.
    const ending = endSessions(other, [name, restored], () => ended);
    try {
      for (const statement of statements) await session.execute(statement);
    } catch (error) {
      throw new Error(`cannot put the restored database into its place: ${messageOf(error)}`, {
        cause: error,
      });
    } finally {
      ended = true;
      await ending;
    }
    return kept;
  } finally {
    await session.close();
    await other.close();
  }
}

/** `<name>_replaced_<UTC time>`, cut to what PostgreSQL takes (63 bytes), a second later where that is taken. */
export function replacedName(name: string, now: Date, taken: readonly string[]): string {
  for (let time = now.getTime(); ; time += 1000) {
    const stamp = new Date(time).toISOString().slice(0, 19).replaceAll(/[-:]/g, "");
    const ending = `_replaced_${stamp}Z`;
    const characters = [...name];
    while (Buffer.byteLength(characters.join("") + ending) > 63) characters.pop();
    const candidate = characters.join("") + ending;
    if (!taken.includes(candidate)) return candidate;
  }
}

function rename(from: string, to: string): string {
  return `alter database ${quoteIdentifier(from)} rename to ${quoteIdentifier(to)}`;
}

async function endSessions(
  session: Session,
  databases: readonly string[],
  isOver: () => boolean,
): Promise<void> {
  while (!isOver()) {
    await session
      .rows("select pg_terminate_backend(pid) from pg_stat_activity where datname = any($1)", [databases])
      .catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

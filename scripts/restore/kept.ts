import type { Connection } from "../config.ts";
import type { Context } from "../context.ts";
import { formatBytes } from "../events.ts";
import { Failure, messageOf } from "../exit-codes.ts";
import { listDatabases } from "../postgres/databases.ts";
import { quoteIdentifier } from "../postgres/quote.ts";
import { swapIn } from "./swap.ts";
import { openTarget, type Target } from "./target.ts";

/** A database that a restore has replaced. */
export interface KeptDatabase {
  name: string;
  /** What it was called; `null` where the name was too long to be seen in full. */
  was: string | null;
  /** ISO 8601. */
  replacedAt: string;
  /** `null` where the role may not see it. */
  bytes: number | null;
  /** Whether a database has that name today. */
  isReplaced: boolean;
}

/** The database that a name was given to by a restore; `undefined` where it is no such name. */
export function parseKeptName(name: string): { was: string | null; replacedAt: string } | undefined {
  const [, was, year, month, day, hour, minute, second] =
    /^(.+)_replaced_(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/su.exec(name) ?? [];
  if (was === undefined) return undefined;
  // Cut where the next character, of at most four bytes, did not fit.
  const isWhole = Buffer.byteLength(name) < 60;
  return {
    was: isWhole ? was : null,
    replacedAt: `${year}-${month}-${day}T${hour}:${minute}:${second}Z`,
  };
}

/** Lists what restores have replaced on a server, by name. */
export async function listKept(connection: Connection): Promise<KeptDatabase[]> {
  const target = await openTarget(connection, []);
  try {
    const listed = await listDatabases(target.session);
    return listed.flatMap(({ name, bytes }) => {
      const parsed = parseKeptName(name);
      if (parsed === undefined) return [];
      return [{ name, ...parsed, bytes, isReplaced: listed.some((other) => other.name === parsed.was) }];
    });
  } finally {
    await target.close();
  }
}

/** The list as people read it. */
export function formatKept(kept: readonly KeptDatabase[]): string {
  if (kept.length === 0) return "no restore has left a database that it replaced\n";
  const rows = kept.map(({ name, replacedAt, bytes, isReplaced }) => {
    const size = bytes === null ? "unknown size" : formatBytes(bytes);
    return `${name}  ${size}, replaced ${replacedAt}${isReplaced ? "" : "; nothing has its old name now"}`;
  });
  return `${rows.join("\n")}\n`;
}

/**
 * Gives a replaced database its old name, or another, again; what has that name is kept in turn. Fails as `preflight`
 * where the server has no such database.
 */
export async function putBack(
  context: Context,
  connection: Connection,
  kept: string,
  as?: string,
): Promise<void> {
  await withKept(connection, kept, async (target, { was }) => {
    const name = as ?? was;
    if (name === null) {
      throw new Failure("preflight", `the old name of ${JSON.stringify(kept)} was cut: say it with --as`);
    }
    const replaced = await swapIn(target, {
      restored: kept,
      name,
      properties: [],
      replace: true,
      now: context.now(),
    });
    const rest = replaced === undefined ? "" : `; what had that name is now ${JSON.stringify(replaced)}`;
    const text = `${JSON.stringify(kept)} is ${JSON.stringify(name)} again${rest}`;
    context.report.event("info", "database-put-back", text, { database: name, kept: replaced ?? null });
  });
}

/** Drops a replaced database. Fails as `preflight` where the server has none of that name, or somebody works in it. */
export async function dropKept(context: Context, connection: Connection, kept: string): Promise<void> {
  await withKept(connection, kept, async ({ session }) => {
    try {
      await session.execute(`drop database ${quoteIdentifier(kept)}`);
    } catch (error) {
      throw new Failure("preflight", `${JSON.stringify(kept)} was not dropped: ${messageOf(error)}`);
    }
    const text = `dropped ${JSON.stringify(kept)}`;
    context.report.event("info", "replaced-dropped", text, { database: kept });
  });
}

async function withKept(
  connection: Connection,
  name: string,
  use: (target: Target, parsed: { was: string | null }) => Promise<void>,
): Promise<void> {
  const parsed = parseKeptName(name);
  const target = await openTarget(connection, [parsed?.was ?? name]);
  try {
    const there = (await listDatabases(target.session)).some((database) => database.name === name);
    if (parsed === undefined || !there) {
      throw new Failure(
        "preflight",
        `there is no database ${JSON.stringify(name)} that a restore has replaced; \`dbkeeper restore kept\` lists them`,
      );
    }
    await use(target, parsed);
  } finally {
    await target.close();
  }
}

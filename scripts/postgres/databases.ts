import type { DatabaseEntry } from "../runs/manifest.ts";
import { hasCode } from "../system/files.ts";
import { parseGlob } from "./glob.ts";
import { quoteLiteral } from "./quote.ts";
import { isRestoreName, isScratchName } from "./scratch-name.ts";
import { oneRow, type Session } from "./session.ts";

/** A database as the server lists it. */
export interface ListedDatabase {
  name: string;
  isTemplate: boolean;
  allowsConnections: boolean;
  /** Its DROP DATABASE was interrupted: nobody can connect any more. */
  isInvalid: boolean;
  /** `null` where the role may not see it. */
  bytes: number | null;
  locale: DatabaseEntry["locale"];
}

/** Lists every database of the cluster, by name. */
export async function listDatabases(session: Session): Promise<ListedDatabase[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await readDatabases(session);
    } catch (error) {
      // Another session dropped one between its row and its size.
      if (attempt === attempts || !databaseIsGone.some((code) => hasCode(error, code))) throw error;
    }
  }
}

const attempts = 20;

/** What PostgreSQL 15 and others answer: invalid_catalog_name, undefined_object. */
const databaseIsGone = ["3D000", "42704"];

/** Encoding and locale of a template database; `undefined` where there is none of the name. */
export async function findTemplate(session: Session, name: string): Promise<Locale | undefined> {
  const [row] = await session.rows<CatalogRow>(
    `${catalogQuery("")} where d.datistemplate and d.datname = ${quoteLiteral(name)}`,
  );
  return row && localeOf(row);
}

/** Without the collation's version. */
type Locale = Omit<DatabaseEntry["locale"], "collationVersion">;

interface CatalogRow {
  row: Record<string, unknown>;
  encoding: string;
}

/** Through JSON, because the locale columns differ between versions. */
function catalogQuery(more: string): string {
  return `select to_jsonb(d) - 'datacl' as row, pg_encoding_to_char(d.encoding) as encoding${more} from pg_database d`;
}

function localeOf({ row, encoding }: CatalogRow): Locale {
  return {
    encoding,
    collate: String(row.datcollate),
    ctype: String(row.datctype),
    provider: textOrNull(row.datlocprovider) ?? "c",
    providerLocale: textOrNull(row.datlocale) ?? textOrNull(row.daticulocale),
    icuRules: textOrNull(row.daticurules),
  };
}

async function readDatabases(session: Session): Promise<ListedDatabase[]> {
  const bytes = `, case when has_database_privilege(d.oid, 'connect') or pg_has_role(current_user, 'pg_read_all_stats', 'usage')
                        then pg_database_size(d.oid) end as bytes`;
  const rows = await session.rows<CatalogRow & { bytes: string | null }>(
    `${catalogQuery(bytes)} order by d.datname collate "C"`,
  );
  const actual = await actualCollationVersions(session);
  return rows.map(({ row, encoding, bytes }) => ({
    name: String(row.datname),
    isTemplate: row.datistemplate === true,
    allowsConnections: row.datallowconn === true,
    isInvalid: row.datconnlimit === -2,
    bytes: bytes === null ? null : Number(bytes),
    locale: {
      ...localeOf({ row, encoding }),
      collationVersion:
        actual === null
          ? null
          : {
              recorded: textOrNull(row.datcollversion),
              actual: actual.get(String(row.datname)) ?? null,
            },
    },
  }));
}

/** By database; `null` before PostgreSQL 15, which does not keep them for databases. */
async function actualCollationVersions(session: Session): Promise<Map<string, string | null> | null> {
  const { known } = await oneRow<{ known: boolean }>(
    session,
    "select to_regprocedure('pg_database_collation_actual_version(oid)') is not null as known",
  );
  if (!known) return null;
  const rows = await session.rows<{ name: string; version: string | null }>(
    "select datname as name, pg_database_collation_actual_version(oid) as version from pg_database",
  );
  return new Map(rows.map(({ name, version }) => [name, version]));
}

/** Which databases a run takes, which it leaves out, and which it wants but cannot have. */
export interface Selection {
  chosen: ListedDatabase[];
  skipped: { name: string; reason: string }[];
  failed: { name: string; reason: string }[];
}

/** Applies the configured choice (see `databases` in the configuration) to what the server lists. */
export function selectDatabases(
  listed: readonly ListedDatabase[],
  wanted: "all" | readonly string[],
): Selection {
  const entries = wanted === "all" ? [] : [...new Set(wanted)];
  const excluding = entries
    .filter((entry) => entry.startsWith("!"))
    .map((entry) => ({ entry, ...parseGlob(entry.slice(1)) }));
  const including = entries
    .filter((entry) => !entry.startsWith("!"))
    .map((entry) => ({ entry, ...parseGlob(entry) }));
  const takesAll = including.length === 0;
  const selection: Selection = { chosen: [], skipped: [], failed: [] };
  for (const database of listed) {
    const { name } = database;
    const matching = including.filter((glob) => glob.matches(name));
    if (!takesAll && matching.length === 0) continue;
    const named = matching.some(({ literal }) => literal);
    const exclusion = excluding.find((glob) => glob.matches(name));
    const unfit =
      exclusion === undefined ? reasonAgainst(database, named) : `is left out by ${exclusion.entry}`;
    if (unfit === undefined) selection.chosen.push(database);
    else if (named && exclusion === undefined) selection.failed.push({ name, reason: unfit });
    else selection.skipped.push({ name, reason: unfit });
  }
  for (const { entry, literal, matches } of including) {
    if (listed.some(({ name }) => matches(name))) continue;
    const reason = literal ? "is not on the server" : "matches no database";
    selection.failed.push({ name: entry, reason });
  }
  return selection;
}

/** Why a database is not dumped; one that is named exactly may also be a template or a scratch database. */
function reasonAgainst(database: ListedDatabase, named: boolean): string | undefined {
  if (!named && isScratchName(database.name)) return "scratch database of a validation";
  if (!named && isRestoreName(database.name)) return "unfinished restore";
  if (!named && database.isTemplate) return "is a template";
  if (database.isInvalid) return "is invalid: a DROP DATABASE was interrupted; drop it again";
  if (!database.allowsConnections) return "does not allow connections";
  return undefined;
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

import type { DatabaseEntry } from "../runs/manifest.ts";
import { isScratchName } from "./scratch-name.ts";
import { oneRow, type Session } from "./session.ts";

/** A database as the server lists it. */
export interface ListedDatabase {
  name: string;
  isTemplate: boolean;
  allowsConnections: boolean;
  /** `null` where the role may not see it. */
  bytes: number | null;
  locale: DatabaseEntry["locale"];
}

/** Lists every database of the cluster, by name. */
export async function listDatabases(session: Session): Promise<ListedDatabase[]> {
  // Through JSON, because the locale columns differ between versions.
  const rows = await session.rows<{
    row: Record<string, unknown>;
    encoding: string;
    bytes: string | null;
  }>(
    `select to_jsonb(d) - 'datacl' as row, pg_encoding_to_char(d.encoding) as encoding,
            case when has_database_privilege(d.oid, 'connect') or pg_has_role(current_user, 'pg_read_all_stats', 'usage')
                 then pg_database_size(d.oid) end as bytes
       from pg_database d order by d.datname collate "C"`,
  );
  const actual = await actualCollationVersions(session);
  return rows.map(({ row, encoding, bytes }) => ({
    name: String(row.datname),
    isTemplate: row.datistemplate === true,
    allowsConnections: row.datallowconn === true,
    bytes: bytes === null ? null : Number(bytes),
    locale: {
      encoding,
      collate: String(row.datcollate),
      ctype: String(row.datctype),
      provider: textOrNull(row.datlocprovider) ?? "c",
      providerLocale: textOrNull(row.datlocale) ?? textOrNull(row.daticulocale),
      icuRules: textOrNull(row.daticurules),
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
  if (wanted === "all") {
    const reasonOf = (database: ListedDatabase) =>
      isScratchName(database.name)
        ? "scratch database of a validation"
        : database.isTemplate
          ? "is a template"
          : database.allowsConnections
            ? undefined
            : "does not allow connections";
    const skipped = listed.flatMap((database) => {
      const reason = reasonOf(database);
      return reason === undefined ? [] : [{ name: database.name, reason }];
    });
    return { chosen: listed.filter((database) => reasonOf(database) === undefined), skipped, failed: [] };
  }
  const selection: Selection = { chosen: [], skipped: [], failed: [] };
  for (const name of new Set(wanted)) {
    const database = listed.find((candidate) => candidate.name === name);
    if (database?.allowsConnections) selection.chosen.push(database);
    else {
      const reason = database === undefined ? "is not on the server" : "does not allow connections";
      selection.failed.push({ name, reason });
    }
  }
  return selection;
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

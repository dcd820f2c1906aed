import { Failure } from "../exit-codes.ts";

/** What the role may do on the scratch server. */
export interface RestoreRights {
  superuser: boolean;
  /** Extensions that only a superuser may create. */
  untrustedExtensions: ReadonlySet<string>;
}

/** Entries to restore, in the form of `pg_restore --use-list`, and the ones that are left out. */
export interface EntrySelection {
  list: string;
  leftOut: string[];
}

/** One entry of a table of contents. */
interface Entry {
  id: string;
  /** Kind, schema, name and owner, as listed. */
  text: string;
  dependsOn: string[];
}

/**
 * Chooses from an archive's table of contents (`pg_restore --list --verbose`) what a scratch restore takes. Left out
 * are subscriptions always, since a drill must not start to replicate, and, unless the role is a superuser, what only
 * a superuser may create: event triggers, publications, operator classes, extensions that are not trusted and the
 * like; with each also what depends on it, such as the foreign tables of postgres_fdw. Owners and privileges are never restored: their roles need not exist on
 * the scratch server. Fails as `preflight` where a table would have to be left out: without its rows nothing is proven.
 */
export function selectEntries(listing: string, rights: RestoreRights): EntrySelection {
  const entries = parseEntries(listing);
  const doomed = new Set(entries.filter(({ text }) => isRefused(text, rights)).map(({ id }) => id));
  for (let before = -1; before < doomed.size; ) {
    before = doomed.size;
    for (const { id, dependsOn } of entries) if (dependsOn.some((other) => doomed.has(other))) doomed.add(id);
  }
  const leftOut = entries.filter(({ id }) => doomed.has(id)).map(({ text }) => text);
  const tables = leftOut.filter((text) => /^TABLE (?!DATA |ATTACH )/.test(text));
  if (tables.length > 0) {
    const extensions = leftOut.filter((text) => text.startsWith("EXTENSION "));
    throw new Failure(
      "preflight",
      `${tables.join(", ")} needs what this role may not create on the scratch server (${extensions.join(", ")}); set restoreInto to a server and a role that may`,
    );
  }
  const privileges = entries.filter(({ text }) => /^(DEFAULT )?ACL /.test(text)).length;
  if (privileges > 0) leftOut.push(`privileges (${privileges})`);
  const lines = listing.split("\n").filter((line) => !doomed.has(/^(\d+);/.exec(line)?.[1] ?? ""));
  return { list: lines.join("\n"), leftOut };
}

function parseEntries(listing: string): Entry[] {
  const entries: Entry[] = [];
  for (const line of listing.split("\n")) {
    const [, id, text] = /^(\d+); \d+ \d+ (.*)$/.exec(line) ?? [];
    if (id !== undefined && text !== undefined) entries.push({ id, text: text.trim(), dependsOn: [] });
    const others = /^;\s+depends on: ([\d ]+)$/.exec(line)?.[1];
    if (others !== undefined) entries.at(-1)?.dependsOn.push(...others.trim().split(" "));
  }
  return entries;
}

const superuserOnly =
  /^(?:ACCESS METHOD|EVENT TRIGGER|FOREIGN DATA WRAPPER|OPERATOR (?:CLASS|FAMILY)|PUBLICATION(?: TABLES? ?(?:IN SCHEMA)?)?|SECURITY LABEL|TEXT SEARCH (?:PARSER|TEMPLATE)|USER MAPPING) /;

function isRefused(text: string, rights: RestoreRights): boolean {
  // A comment belongs to what it is about: `COMMENT - EXTENSION name`.
  const subject = text.replace(/^COMMENT \S+ /, "");
  if (/^SUBSCRIPTION(?: TABLE)? /.test(subject)) return true;
  if (rights.superuser) return false;
  const extension = /^EXTENSION (?:- )?(.+)$/.exec(subject)?.[1];
  if (extension !== undefined) return rights.untrustedExtensions.has(extension);
  return superuserOnly.test(subject);
}

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

/**
 * Chooses from an archive's table of contents (`pg_restore --list`) what a scratch restore takes. Left out are
 * subscriptions always, since a drill must not start to replicate, and, unless the role is a superuser, event
 * triggers, publications, security labels and extensions that are not trusted. None of them holds rows; what
 * depends on one fails the restore, so nothing is passed over in silence.
 */
export function selectEntries(listing: string, rights: RestoreRights): EntrySelection {
  const leftOut: string[] = [];
  const lines = listing.split("\n").filter((line) => {
    const entry = /^\d+; \d+ \d+ (.*)$/.exec(line)?.[1];
    if (entry === undefined || !isLeftOut(entry, rights)) return true;
    leftOut.push(entry.trim());
    return false;
  });
  return { list: lines.join("\n"), leftOut };
}

const superuserOnly = /^(?:EVENT TRIGGER|PUBLICATION(?: TABLES? ?(?:IN SCHEMA)?)?|SECURITY LABEL) /;

function isLeftOut(entry: string, rights: RestoreRights): boolean {
  // A comment belongs to what it is about: `COMMENT - EXTENSION name`.
  const subject = entry.replace(/^COMMENT \S+ /, "");
  if (/^SUBSCRIPTION(?: TABLE)? /.test(subject)) return true;
  if (rights.superuser) return false;
  const extension = /^EXTENSION (?:- )?(.+?)\s*$/.exec(subject)?.[1];
  if (extension !== undefined) return rights.untrustedExtensions.has(extension);
  return superuserOnly.test(subject);
}

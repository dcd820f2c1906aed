/** Quotes any name as an SQL identifier. Fails on a NUL, which PostgreSQL cannot store. */
export function quoteIdentifier(name: string): string {
  refuseNul(name);
  return `"${name.replaceAll('"', '""')}"`;
}

/** Quotes any text as an SQL string literal, whatever `standard_conforming_strings` says. */
export function quoteLiteral(text: string): string {
  refuseNul(text);
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes("\\") ? ` E${quoted.replaceAll("\\", "\\\\")}` : quoted;
}

/**
 * A connection string that names only the database. Client programs read a bare name that holds `=` or starts
 * with `postgres://` as a connection string, and one with a leading dash as an option; this form has neither.
 */
export function databaseOption(name: string): string {
  refuseNul(name);
  return `--dbname=dbname='${name.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

/**
 * A database's file name: the name itself where it is plain, else with its UTF-8 bytes as `%XX`, so
 * that different databases never share a file and none can leave its folder.
 */
export function fileNameOf(database: string, extension: string): string {
  refuseNul(database);
  const encoded = [...Buffer.from(database, "utf8")].map((byte, index) => {
    const character = String.fromCharCode(byte);
    const plain = index === 0 ? /[A-Za-z0-9_]/ : /[A-Za-z0-9_.-]/;
    return plain.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  });
  return `${encoded.join("")}.${extension}`;
}

function refuseNul(text: string): void {
  if (text.includes("\0")) throw new Error("a name must not contain a NUL character");
}

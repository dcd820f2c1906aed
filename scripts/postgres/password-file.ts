import { readFile } from "node:fs/promises";
import { Failure } from "../exit-codes.ts";
import { requirePrivateFile } from "../system/files.ts";
import type { Connection } from "./connection.ts";

/**
 * The password that a password file has for a connection, by the rules of libpq: the first line whose host, port,
 * database and role are the connection's or `*`; a backslash takes the next character as it is.
 * https://www.postgresql.org/docs/current/libpq-pgpass.html
 */
export function passwordIn(text: string, wanted: readonly [string, string, string, string]) {
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith("#")) continue;
    const fields = [...line.matchAll(/((?:\\.|[^:\\])*)(:|$)/g)].map(([, field = ""]) => field);
    const password = unescaped(fields[4] ?? "");
    if (password === "") continue;
    if (wanted.every((value, at) => fields[at] === "*" || unescaped(fields[at] ?? "") === value)) {
      return password;
    }
  }
  return undefined;
}

/** Reads the password of a connection over the network. Fails as `preflight` where others may read it too, or there is none. */
export async function readPassword(connection: Connection, database: string): Promise<string | undefined> {
  const { network, port, role } = connection;
  if (network === undefined) return undefined;
  await requirePrivateFile(network.passwordFile, "network.passwordFile");
  const text = await readFile(network.passwordFile, "utf8");
  const password = passwordIn(text, [network.host, String(port), database, role]);
  if (password !== undefined) return password;
  throw new Failure(
    "preflight",
    `${network.passwordFile} (network.passwordFile) has no password for this server; add the line ${network.host}:${port}:*:${role}:<password>`,
  );
}

function unescaped(field: string): string {
  return field.replaceAll(/\\(.)/g, "$1");
}

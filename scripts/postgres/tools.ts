import { access } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../config.ts";
import { Failure, messageOf } from "../exit-codes.ts";
import { readOutput } from "../system/child.ts";
import { clientEnvironment } from "./session.ts";

/** PostgreSQL's client programs that this run uses, all of one version. */
export interface ClientTools {
  pgDump: string;
  pgDumpall: string;
  pgRestore: string;
  version: string;
  major: number;
}

/**
 * Finds the client programs: the configured folder, else Debian's folder of the server's major (a newer pg_dump
 * writes settings that an older server refuses on restore), else PATH. Fails as `preflight` where they are
 * missing or older than the server.
 */
export async function findClientTools(
  config: Config,
  serverMajor: number,
  signal: AbortSignal,
): Promise<ClientTools> {
  const folder = config.cluster.binDirectory ?? (await debianFolder(serverMajor));
  const path = (name: string) => (folder === undefined ? name : join(folder, name));
  const env = clientEnvironment(config.cluster);
  let version: string;
  try {
    version = parseVersion(
      await readOutput([{ file: path("pg_dump"), args: ["--version"], env }], { signal }),
    );
  } catch (error) {
    signal.throwIfAborted();
    throw new Failure(
      "preflight",
      `cannot use pg_dump (${messageOf(error)}); install postgresql-client-${serverMajor} or set cluster.binDirectory`,
    );
  }
  const major = Number.parseInt(version, 10);
  if (major < serverMajor) {
    throw new Failure(
      "preflight",
      `pg_dump ${version} is older than the server (${serverMajor}); install postgresql-client-${serverMajor}`,
    );
  }
  return {
    pgDump: path("pg_dump"),
    pgDumpall: path("pg_dumpall"),
    pgRestore: path("pg_restore"),
    version,
    major,
  };
}

/** The version in `pg_dump (PostgreSQL) 16.4 (Debian …)`. */
export function parseVersion(text: string): string {
  const version = /\(PostgreSQL\) (\d+[^\s]*)/.exec(text)?.[1];
  if (version === undefined) throw new Error(`cannot read a version from ${JSON.stringify(text.trim())}`);
  return version;
}

async function debianFolder(major: number): Promise<string | undefined> {
  const folder = `/usr/lib/postgresql/${major}/bin`;
  try {
    await access(join(folder, "pg_dump"));
    return folder;
  } catch {
    return undefined;
  }
}

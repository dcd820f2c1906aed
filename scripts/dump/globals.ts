import type { Context } from "../context.ts";
import { encryptedExtension, encryptStages } from "../encryption/encryption.ts";
import { databaseOption } from "../postgres/quote.ts";
import { clientEnvironment, oneRow, type Session } from "../postgres/session.ts";
import type { ClientTools } from "../postgres/tools.ts";
import type { RunFile } from "../runs/manifest.ts";
import { readOutput } from "../system/child.ts";
import { writeDumpFile, writeTextFile } from "./file.ts";

/** The line that pg_dumpall writes last: without it the file is cut short. */
export const globalsEnding = "-- PostgreSQL database cluster dump complete";

/** Writes roles, tablespaces and their settings as SQL, without password hashes. */
export async function dumpGlobals(context: Context, tools: ClientTools, folder: string): Promise<RunFile> {
  const sql = await dumpAll(context, tools, ["--globals-only", "--no-role-passwords"]);
  const stages = encryptStages(context.config);
  if (stages.length === 0) return await writeTextFile(folder, "globals.sql", sql);
  const { signal } = context;
  return await writeDumpFile(folder, `globals.sql${encryptedExtension}`, stages, { signal, input: sql });
}

/**
 * Writes the roles with their password hashes, always encrypted; `null`, with the reason told, where the site has no
 * encryption or the role may not read them.
 */
export async function dumpRolePasswords(
  context: Context,
  session: Session,
  tools: ClientTools,
  folder: string,
): Promise<RunFile | null> {
  const { config, report, signal } = context;
  const stages = encryptStages(config);
  if (stages.length === 0) {
    const text =
      "password hashes of roles are left out, because they are only written encrypted and encryption is not configured";
    report.event("info", "role-passwords-skipped", text);
    return null;
  }
  const { readable } = await oneRow<{ readable: boolean }>(
    session,
    "select has_table_privilege('pg_authid', 'select') as readable",
  );
  if (!readable) {
    const { role } = config.cluster;
    const text = `password hashes of roles are left out, because ${role} may not read them; GRANT SELECT ON pg_catalog.pg_authid TO ${role} where they shall be in the runs`;
    report.event("warning", "role-passwords-skipped", text);
    return null;
  }
  const sql = await dumpAll(context, tools, ["--roles-only"]);
  return await writeDumpFile(folder, `role-passwords.sql${encryptedExtension}`, stages, {
    signal,
    input: sql,
  });
}

/** What pg_dumpall writes, held in memory: it is about a hundred bytes a role. */
async function dumpAll(context: Context, tools: ClientTools, args: readonly string[]): Promise<string> {
  const { cluster } = context.config;
  const sql = await readOutput(
    [
      {
        file: tools.pgDumpall,
        args: [...args, "--no-password", databaseOption(cluster.maintenanceDatabase)],
        env: clientEnvironment(cluster),
      },
    ],
    { signal: context.signal },
  );
  if (sql.slice(-256).includes(globalsEnding)) return sql;
  throw new Error(`what pg_dumpall wrote is cut short: it does not end with "${globalsEnding}"`);
}

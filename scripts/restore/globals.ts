import type { Context } from "../context.ts";
import { globalsEnding } from "../dump/globals.ts";
import { readDumpFile } from "../encryption/encryption.ts";
import { Failure, kindOf, messageOf } from "../exit-codes.ts";
import { connect, type Session } from "../postgres/session.ts";
import { isKeyword, nameIn, type Statement, splitStatements } from "../postgres/statements.ts";
import type { Run } from "../runs/runs.ts";
import { hasCode } from "../system/files.ts";
import type { Target } from "./target.ts";

/** Reads the roles, tablespaces and settings of a run. Fails as `verification` where the file is cut short. */
export async function readGlobals(context: Context, run: Run): Promise<Statement[]> {
  const { globals } = run.manifest;
  const text = await readDumpFile(run, globals.file, context.config, context.signal);
  if (text.includes(globalsEnding)) return splitStatements(text);
  throw new Failure(
    "verification",
    `${globals.file} of run ${run.id} does not end with "${globalsEnding}"; nothing was restored`,
  );
}

/**
 * Makes roles, tablespaces and their settings as they were, whatever of them is there already; the role that
 * restores keeps its own rights. Fails as `partial`, naming each, where a statement failed.
 */
export async function restoreGlobals(
  context: Context,
  target: Target,
  run: Run,
  script: readonly Statement[],
): Promise<void> {
  const session = await connect(target.connection, target.connection.maintenanceDatabase);
  try {
    await session.rows(silence);
    const passwords = await readPasswords(context, run);
    const failures = [
      ...(await execute(session, script, target.connection.role)),
      ...(await execute(session, passwords, target.connection.role)),
    ];
    const facts = { run: run.id, failed: failures.length };
    if (failures.length === 0) {
      context.report.event("info", "globals-restored", "restored the roles, tablespaces and settings", facts);
      return;
    }
    const shown = failures.slice(0, 10).map((failure) => `\n  ${failure}`);
    throw new Failure(
      "partial",
      `${failures.length} statements of the globals failed, no database was touched:${shown.join("")}`,
    );
  } finally {
    await session.close();
  }
}

/** Password hashes must not get into the server's log, whatever else it writes there. Not every version has every setting. */
const silence = `
  select set_config(s.name, w.value, false)
    from (values ('log_statement', 'none'), ('log_min_error_statement', 'panic'), ('log_min_duration_statement', '-1'),
                 ('log_min_duration_sample', '-1'), ('log_transaction_sample_rate', '0')) w(name, value)
    join pg_settings s using (name)`;

/** Without them new roles cannot log in by password; that is said, and is no failure. */
async function readPasswords(context: Context, run: Run): Promise<Statement[]> {
  const { rolePasswords } = run.manifest;
  const warn = (why: string) =>
    context.report.event("warning", "passwords-not-restored", `passwords of roles are not restored: ${why}`, {
      run: run.id,
    });
  if (rolePasswords === null) {
    warn("the run holds none");
    return [];
  }
  try {
    return splitStatements(await readDumpFile(run, rolePasswords.file, context.config, context.signal));
  } catch (error) {
    if (kindOf(error) !== "preflight") throw error;
    warn(messageOf(error));
    return [];
  }
}

/** Runs each statement by itself, as psql would; returns what failed, without any value of a statement. */
async function execute(session: Session, script: readonly Statement[], self: string): Promise<string[]> {
  const failures: string[] = [];
  for (const statement of script) {
    const [verb, kind, subject] = statement.tokens;
    const changesSelf =
      isKeyword(verb, "ALTER") &&
      isKeyword(kind, "ROLE") &&
      nameIn(subject) === self &&
      isKeyword(statement.tokens[3], "WITH");
    if (changesSelf) continue;
    try {
      await session.execute(statement.text);
    } catch (error) {
      const creates = isKeyword(verb, "CREATE") && (isKeyword(kind, "ROLE") || isKeyword(kind, "TABLESPACE"));
      if (creates && hasCode(error, duplicateObject)) continue;
      const what = [verb, kind, subject].map((token) => token?.text ?? "").join(" ");
      failures.push(`${what}: ${messageOf(error)}`);
    }
  }
  return failures;
}

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const duplicateObject = "42710";

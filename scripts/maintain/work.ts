import type { Context } from "../context.ts";
import { secondsSince } from "../dump/file.ts";
import { formatSeconds } from "../events.ts";
import { messageOf } from "../exit-codes.ts";
import { quoteIdentifier } from "../postgres/quote.ts";
import { cancelOn, type Session } from "../postgres/session.ts";
import { hasCode } from "../system/files.ts";
import type { WorkItem, WorkResult } from "./result.ts";

/** A piece of work with the statement that does it; one that the role may not do has none. */
export interface Work {
  item: WorkItem;
  statement: string | undefined;
}

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const lockNotAvailable = "55P03";
const gone = ["42P01", "42704", "3F000"];
const insufficientPrivilege = "42501";

/** Does one piece of work and tells what became of it; never fails but by the signal of an interruption. */
export async function perform(
  { report }: Pick<Context, "report">,
  session: Session,
  { item, statement }: Work,
  stop: { signal: AbortSignal; reason: () => string | undefined },
): Promise<WorkResult> {
  const begun = performance.now();
  const end = (outcome: WorkResult["outcome"], reason: string | null): WorkResult => {
    const result = { ...item, outcome, reason, durationSeconds: secondsSince(begun) };
    tell(report, result);
    return result;
  };
  if (statement === undefined) {
    return end(
      "not-permitted",
      "the role neither owns it nor has the privilege MAINTAIN, which pg_maintain of PostgreSQL 17 gives for all tables; grant one of them, or let its owner do it",
    );
  }
  const before = stop.reason();
  if (before !== undefined) return end("left-out", before);
  const stopCancelling = cancelOn(stop.signal, session);
  try {
    await session.execute(statement);
    return end("done", null);
  } catch (error) {
    const reason = stop.reason();
    if (stop.signal.aborted && reason !== undefined) return end("left-out", reason);
    if (hasCode(error, lockNotAvailable))
      return end("locked", "another session holds it, or a transaction is older");
    if (gone.some((code) => hasCode(error, code))) return end("gone", messageOf(error));
    const permitted = !hasCode(error, insufficientPrivilege);
    return end(permitted ? "failed" : "not-permitted", messageOf(error));
  } finally {
    stopCancelling();
  }
}

/** `"schema"."name"`. */
export function qualified({ schema, name }: { schema: string; name: string }): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

/** The work as people read it. */
export function describeItem({ action, schema, name, database, why }: WorkItem): string {
  return `${action} of ${qualified({ schema, name })} in ${JSON.stringify(database)} (${why})`;
}

function tell(report: Context["report"], result: WorkResult): void {
  const { action, database, durationSeconds, name, outcome, reason, schema, why } = result;
  const how = outcome === "done" ? `done in ${formatSeconds(durationSeconds)}` : `${outcome}: ${reason}`;
  const level =
    outcome === "done" || outcome === "gone" ? "info" : outcome === "failed" ? "error" : "warning";
  report.event(level, "maintenance-item", `${describeItem(result)}: ${how}`, {
    action,
    database,
    schema,
    name,
    why,
    outcome,
    reason,
    durationSeconds,
  });
}

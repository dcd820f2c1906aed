import { secondsSince } from "../dump/file.ts";
import { messageOf } from "../exit-codes.ts";
import { oneRow, type Session } from "../postgres/session.ts";
import type { Validation } from "../runs/manifest.ts";
import type { Check, Expectation } from "./config.ts";

type CheckResult = Validation["databases"][number]["checks"][number];

/** What a check's query gave. */
export type Found = {
  rows: number;
  /** First column of the first row, as text. */
  value: string | null;
};

/** The checks that concern a database. */
export function checksFor(checks: readonly Check[], database: string): Check[] {
  return checks.filter(({ databases }) => databases === "all" || databases.includes(database));
}

/** Checks that name a database which a run does not hold: they say nothing about it. */
export function checksWithoutDatabase(
  checks: readonly Check[],
  databases: readonly string[],
): { check: string; database: string }[] {
  return checks.flatMap((check) => {
    if (check.databases === "all") return [];
    const missing = check.databases.filter((name) => !databases.includes(name));
    return missing.map((database) => ({ check: check.name, database }));
  });
}

/** Runs checks one after the other on a restored copy; none ends the others. */
export async function runChecks(
  session: Session,
  checks: readonly Check[],
  signal: AbortSignal,
): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const check of checks) {
    signal.throwIfAborted();
    const begun = performance.now();
    const reason = await look(session, check).then(
      (found) => shortfall(check.expect, found),
      (error: unknown) => messageOf(error),
    );
    signal.throwIfAborted();
    const outcome = reason === null ? "passed" : "failed";
    results.push({ name: check.name, outcome, durationSeconds: secondsSince(begun), reason });
  }
  return results;
}

async function look(session: Session, check: Check): Promise<Found> {
  await session.execute("begin transaction read only");
  try {
    await session.execute(
      // Names are found as in a session of the site's own, not as in ours.
      `set local statement_timeout = '${check.timeoutSeconds}s'; set local search_path to default`,
    );
    // Used twice, the query is worked out once and wholly: an error in any of its rows counts.
    return await oneRow<Found>(
      session,
      `with found(value) as (\n${check.sql}\n)
       select (select count(*) from found)::int as rows, (select value::text from found limit 1) as value`,
    );
  } finally {
    await session.execute("rollback");
  }
}

/** Why what was found is not what is expected; `null` where it is. */
export function shortfall(expectation: Expectation, { rows, value }: Found): string | null {
  if (expectation === "rows") return rows > 0 ? null : "found no rows";
  if (expectation === "no-rows") return rows === 0 ? null : `found ${rows} rows instead of none`;
  if (rows !== 1) return `found ${rows} rows instead of one`;
  const wanted = expectation.equals;
  const equal =
    typeof wanted === "number"
      ? value !== null && value.trim() !== "" && Number(value) === wanted
      : value === (wanted === null ? null : String(wanted));
  if (equal) return null;
  const shown = value !== null && value.length > 100 ? `${value.slice(0, 100)}…` : value;
  return `found ${JSON.stringify(shown)} instead of ${JSON.stringify(wanted)}`;
}

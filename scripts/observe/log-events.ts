/** What is counted in the server's log. */
export const logKinds = [
  "failed_login",
  "corruption",
  "panic",
  "crash",
  "io_error",
  "disk_full",
  "out_of_memory",
  "too_many_connections",
  "resource",
  "deadlock",
  "lock_timeout",
  "lock_wait",
  "statement_timeout",
  "slow_statement",
  "recovery_conflict",
  "archive_failed",
] as const;

/** See {@link logKinds}. */
export type LogKind = (typeof logKinds)[number];

/** What `log_line_prefix` must begin with, so that {@link kindsOf} can read the lines. */
export const linePrefix = "%m [%p] %e ";

/** Time, zone, process, SQLSTATE; then what else the prefix has, which a client chooses, and the severity. */
const form =
  /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \S+ \[\d+\] ([0-9A-Z]{5}) (?:(.{0,200}?) )?(LOG|WARNING|ERROR|FATAL|PANIC): {2}(.*)$/s;

/** Appendix A of PostgreSQL's manual. */
const bySqlstate: Readonly<Record<string, LogKind>> = {
  XX001: "corruption",
  XX002: "corruption",
  "58030": "io_error",
  "53100": "disk_full",
  "53200": "out_of_memory",
  "53300": "too_many_connections",
  "40P01": "deadlock",
  "55P03": "lock_timeout",
};

/** Where the SQLSTATE does not tell, in the server's words in English. */
const byMessage: readonly (readonly [RegExp, LogKind])[] = [
  [/^canceling statement due to statement timeout/, "statement_timeout"],
  [/^(?:canceling statement|terminating connection) due to conflict with recovery/, "recovery_conflict"],
  [/^archive command (?:failed|was terminated)/, "archive_failed"],
  [/ \(PID \d+\) was terminated by signal \d/, "crash"],
  [/^process \d+ still waiting for /, "lock_wait"],
  // A protocol with separate steps logs each of them; of those only this one runs the statement.
  [/^duration: [\d.]+ ms {2}(?:statement|execute|fastpath)/, "slow_statement"],
];

/**
 * What a line of the log tells; mostly nothing. Its further lines, such as DETAIL, have no severity of their own. How long
 * statements of `ownRoles` take says nothing of the others: dumps take long.
 */
export function kindsOf(line: string, ownRoles: readonly string[] = []): LogKind[] {
  const [, sqlstate = "", who = "", severity, message = ""] = form.exec(line) ?? [];
  if (severity === undefined) return [];
  const kinds: LogKind[] = severity === "PANIC" ? ["panic"] : [];
  // An ERROR of this class is no login, but for example one that a foreign server has refused.
  if (sqlstate.startsWith("28") && severity === "FATAL") kinds.push("failed_login");
  const known = bySqlstate[sqlstate] ?? (sqlstate.startsWith("53") ? "resource" : undefined);
  if (known !== undefined && severity !== "LOG") kinds.push(known);
  const worded = byMessage.find(([words]) => words.test(message))?.[1];
  const isOwn = worded === "slow_statement" && ownRoles.some((role) => who.startsWith(`${role}@`));
  if (worded !== undefined && !isOwn) kinds.push(worded);
  return kinds;
}

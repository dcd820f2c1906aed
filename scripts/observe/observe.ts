import type { Context } from "../context.ts";
import { Failure, kindOf, messageOf } from "../exit-codes.ts";
import type { Family } from "../metrics/family.ts";
import { connect, oneRow, readServerFacts, type Session } from "../postgres/session.ts";
import { redact } from "../system/child.ts";
import { hasCode } from "../system/files.ts";
import { readDatabases } from "./databases.ts";
import { readIntegrity } from "./integrity.ts";
import { logFamilies, readLog, requireReadableLog } from "./log.ts";
import type { Look, ReadPart } from "./part.ts";
import { readReplication } from "./replication.ts";
import { changeFamilies, readSecurity } from "./security.ts";
import { readSettings } from "./settings.ts";
import { type Part, parts, readState, type State, writeState } from "./state.ts";
import { readStatements, statementFamilies } from "./statements.ts";
import { readTransactions } from "./transactions.ts";

const onServer: Readonly<Record<Exclude<Part, "log">, ReadPart>> = {
  integrity: readIntegrity,
  security: readSecurity,
  settings: readSettings,
  transactions: readTransactions,
  replication: readReplication,
  databases: readDatabases,
  statements: readStatements,
};

/** What one look has found. */
export interface Observation {
  families: readonly Family[];
  /** Why a part could not be seen. */
  failures: ReadonlyMap<Part, Failure>;
}

/**
 * Looks at the server and its log, changes nothing, and keeps what the next look needs. A part that cannot be seen takes
 * nothing from the others; its figures are left out, because they would be of another time.
 */
export async function observe(context: Context): Promise<Observation> {
  const { config, now } = context;
  const state = await readState(context);
  const nowSeconds = Math.floor(now().getTime() / 1000);
  const failures = new Map<Part, Failure>();
  const attempt = async <T>(part: Part, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      const result = await work();
      state.seenAt[part] = nowSeconds;
      return result;
    } catch (error) {
      failures.set(part, failureOf(part, error));
      return undefined;
    }
  };
  const families: Family[] = [];
  const opened: { session?: Session } = {};
  try {
    const look = openLook(context, state, nowSeconds, opened);
    // Whoever needs it says that it failed.
    look.catch(() => undefined);
    for (const part of parts) {
      if (part === "log") {
        const { logFile } = config.observe;
        if (logFile === undefined) continue;
        await attempt(part, async () => {
          // A server that has gone may have written why.
          await readLog(context, logFile, state);
          const { session } = await look.catch(() => ({ session: undefined }));
          if (session !== undefined) await requireReadableLog(session);
        });
      } else families.push(...((await attempt(part, async () => onServer[part](await look))) ?? []));
    }
  } finally {
    await opened.session?.close();
  }
  await writeState(context, state);
  const cluster = config.cluster.name;
  const watched = config.observe.logFile === undefined ? parts.filter((part) => part !== "log") : parts;
  return {
    families: [
      ...seenFamilies(cluster, watched, state, failures),
      ...changeFamilies(cluster, state),
      ...families,
      ...statementFamilies(cluster, state),
      ...logFamilies(cluster, state),
    ],
    failures,
  };
}

async function openLook(
  { config, report }: Context,
  state: State,
  nowSeconds: number,
  opened: { session?: Session },
): Promise<Look> {
  const connection = { ...config.cluster, role: config.observe.role ?? config.cluster.role };
  const milliseconds = Math.round(config.observe.timeoutSeconds * 1000);
  const open = async (database: string) => {
    // The server is to end the statement itself; that the client gives up is for a server that hangs.
    const session = await connect(connection, database, config.observe.timeoutSeconds + 2);
    await session.execute(`set statement_timeout = ${milliseconds}; set default_transaction_read_only = on`);
    return session;
  };
  const session = await open(config.cluster.maintenanceDatabase);
  opened.session = session;
  const { major, inRecovery } = await readServerFacts(session);
  const { monitors } = await oneRow<{ monitors: boolean }>(
    session,
    "select pg_has_role(current_user, 'pg_read_all_stats', 'usage') and pg_has_role(current_user, 'pg_read_all_settings', 'usage') as monitors",
  );
  if (!monitors)
    throw new Failure(
      "preflight",
      // To such a role the server shows the sessions of others as if they did nothing.
      `role ${connection.role} may not see what others do: GRANT pg_monitor TO ${connection.role}`,
    );
  return { config, session, server: { major, inRecovery }, state, nowSeconds, report, open };
}

function failureOf(part: Part, error: unknown): Failure {
  const text = `${part}: ${redact(messageOf(error))}`;
  if (error instanceof Failure) return new Failure(error.kind, text, { cause: error });
  if (!hasCode(error, "42501")) return new Failure("partial", text, { cause: error });
  const hint =
    part === "settings"
      ? "; GRANT EXECUTE ON FUNCTION pg_hba_file_rules(), pg_show_all_file_settings() to the role"
      : "; grant it to the role";
  return new Failure("preflight", `${text}${hint}`, { cause: error });
}

/** One failure for all; a server that does not answer comes before what else is wrong. */
export function worstOf(failures: ReadonlyMap<Part, Failure>): Failure | undefined {
  const all = [...failures.values()];
  const worst =
    all.find((failure) => kindOf(failure) === "unreachable") ??
    all.find((failure) => kindOf(failure) === "preflight") ??
    all[0];
  if (worst === undefined) return undefined;
  const unreachable = kindOf(worst) === "unreachable";
  const message = unreachable ? worst.message.replace(/^\w+: /, "") : all.map(messageOf).join("; ");
  return new Failure(worst.kind, `not seen: ${message}`, { cause: worst });
}

function seenFamilies(
  cluster: string,
  watched: readonly Part[],
  state: State,
  failures: ReadonlyMap<Part, Failure>,
): Family[] {
  return [
    {
      name: "dbkeeper_observed_timestamp_seconds",
      help: "When the part was last seen well, Unix time.",
      samples: watched.flatMap((part) => {
        const value = state.seenAt[part];
        return value === undefined ? [] : [{ labels: { cluster, part }, value }];
      }),
    },
    {
      name: "dbkeeper_observed_success",
      help: "Whether the last look saw the part (1) or not (0), whose figures are missing then.",
      samples: watched.map((part) => ({ labels: { cluster, part }, value: failures.has(part) ? 0 : 1 })),
    },
  ];
}

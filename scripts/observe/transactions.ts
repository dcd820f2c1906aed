import { oneRow, type Session } from "../postgres/session.ts";
import { lasting, type ReadPart, samplesOf } from "./part.ts";

/** How near each database is to wraparound, what keeps old rows alive, and who waits for whom. */
export const readTransactions: ReadPart = async ({ config, session, server }) => {
  const cluster = config.cluster.name;
  const databases = await session.rows<{ database: string; xid: number; mxid: number }>(
    `select datname as database, age(datfrozenxid)::float8 as xid, mxid_age(datminmxid)::float8 as mxid
       from pg_database where ${lasting("datname")} order by 1`,
  );
  const limits = await oneRow<{ xid: number; mxid: number }>(
    session,
    `select current_setting('autovacuum_freeze_max_age')::float8 as xid,
            current_setting('autovacuum_multixact_freeze_max_age')::float8 as mxid`,
  );
  const sessions = new Map(
    (
      await session.rows<{ database: string; transaction: number | null; idle: number | null }>(
        `select datname as database,
                extract(epoch from max(clock_timestamp() - xact_start))::float8 as transaction,
                extract(epoch from max(clock_timestamp() - state_change) filter (where state like 'idle in transaction%'))::float8 as idle
           from pg_stat_activity
          where backend_type = 'client backend' and pid <> pg_backend_pid() and datname is not null group by 1`,
      )
    ).map((row) => [row.database, row]),
  );
  const prepared = new Map(
    (
      await session.rows<{ database: string; count: number; seconds: number }>(
        `select database, count(*)::int as count,
                extract(epoch from max(clock_timestamp() - prepared))::float8 as seconds
           from pg_prepared_xacts group by 1`,
      )
    ).map((row) => [row.database, row]),
  );
  const blocked = new Map((await readBlocked(session, server.major)).map((row) => [row.database, row]));
  const holders = await readHolders(session);
  const labels = ({ database }: { database: string }) => ({ cluster, database });
  const each = (valueFor: (database: string) => number | null | undefined) =>
    samplesOf(databases, labels, ({ database }) => valueFor(database) ?? 0);
  return [
    {
      name: "dbkeeper_observed_xid_age_transactions",
      help: "Age of the oldest transaction id that is not frozen; at 2,147,483,647 the server stops.",
      samples: samplesOf(databases, labels, ({ xid }) => xid),
    },
    {
      name: "dbkeeper_observed_mxid_age_transactions",
      help: "Age of the oldest multixact id that is not frozen; at 2,147,483,647 the server stops.",
      samples: samplesOf(databases, labels, ({ mxid }) => mxid),
    },
    {
      name: "dbkeeper_observed_xid_freeze_ratio",
      help: "The age of transaction ids as a part of autovacuum_freeze_max_age, from where on tables are frozen.",
      samples: samplesOf(databases, labels, ({ xid }) => xid / limits.xid),
    },
    {
      name: "dbkeeper_observed_mxid_freeze_ratio",
      help: "The age of multixact ids as a part of autovacuum_multixact_freeze_max_age.",
      samples: samplesOf(databases, labels, ({ mxid }) => mxid / limits.mxid),
    },
    {
      name: "dbkeeper_observed_oldest_xmin_age_transactions",
      help: "How many transactions ago the oldest snapshot was taken that keeps dead rows, by what holds it.",
      samples: samplesOf(
        holders,
        ({ holder }) => ({ cluster, holder }),
        ({ age }) => age,
      ),
    },
    {
      name: "dbkeeper_observed_oldest_transaction_seconds",
      help: "How long the longest transaction of a client has been open.",
      samples: each((database) => sessions.get(database)?.transaction),
    },
    {
      name: "dbkeeper_observed_oldest_idle_in_transaction_seconds",
      help: "How long a client has left a transaction open without doing anything.",
      samples: each((database) => sessions.get(database)?.idle),
    },
    {
      name: "dbkeeper_observed_prepared_transactions",
      help: "Transactions that were prepared and neither committed nor rolled back.",
      samples: each((database) => prepared.get(database)?.count),
    },
    {
      name: "dbkeeper_observed_oldest_prepared_transaction_seconds",
      help: "How long the oldest prepared transaction has been waiting.",
      samples: each((database) => prepared.get(database)?.seconds),
    },
    {
      name: "dbkeeper_observed_blocked_sessions",
      help: "Sessions that wait for a lock which another one holds.",
      samples: each((database) => blocked.get(database)?.count),
    },
    {
      name: "dbkeeper_observed_longest_lock_wait_seconds",
      help: "How long the session has been waiting that has waited the longest for a lock.",
      samples: each((database) => blocked.get(database)?.seconds),
    },
  ];
};

interface Blocked {
  database: string;
  count: number;
  seconds: number;
}

/** Asked only where somebody waits: to see who blocks whom, the server stops all locking for a moment. */
async function readBlocked(session: Session, major: number): Promise<Blocked[]> {
  const { waiting } = await oneRow<{ waiting: boolean }>(
    session,
    "select exists (select from pg_stat_activity where wait_event_type = 'Lock') as waiting",
  );
  if (!waiting) return [];
  // Before 14 nobody knows since when one waits but that it is not longer than the state lasts.
  const since =
    major < 14
      ? "state_change"
      : "coalesce((select min(waitstart) from pg_locks l where l.pid = a.pid and not granted), state_change)";
  return await session.rows<Blocked>(
    `select datname as database, count(*)::int as count,
            extract(epoch from max(clock_timestamp() - ${since}))::float8 as seconds
       from pg_stat_activity a
      where wait_event_type = 'Lock' and datname is not null and cardinality(pg_blocking_pids(pid)) > 0 group by 1`,
  );
}

/** Zero where nothing holds anything. */
async function readHolders(session: Session): Promise<{ holder: string; age: number }[]> {
  return await session.rows(
    `select 'transaction' as holder, coalesce(max(age(backend_xmin)), 0)::float8 as age
       from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()
     union all select 'prepared', coalesce(max(age(transaction)), 0)::float8 from pg_prepared_xacts
     union all select 'slot', coalesce(greatest(max(age(xmin)), max(age(catalog_xmin))), 0)::float8 from pg_replication_slots
     union all select 'standby', coalesce(max(age(backend_xmin)), 0)::float8 from pg_stat_replication`,
  );
}

import { oneRow, type Session } from "../postgres/session.ts";
import type { HealthConfig } from "./config.ts";
import { judgeBuffers, judgeConnections, judgeLocks, judgeReplication, type Verdict } from "./judge.ts";

/** A component that is asked of the server. */
export type DatabaseProbe = (session: Session, limits: HealthConfig) => Promise<Verdict>;

/** Whether the server answers, and as what. */
export const probeServer: DatabaseProbe = async (session) => {
  const { version, recovery } = await oneRow<{ version: string; recovery: boolean }>(
    session,
    "select current_setting('server_version') as version, pg_is_in_recovery() as recovery",
  );
  return { state: "ok", detail: `PostgreSQL ${version} answers as ${recovery ? "standby" : "primary"}` };
};

/** Connections of clients against the server's maximum, without those that are kept for superusers. */
export const probeConnections: DatabaseProbe = async (session, { connectionsPercent }) =>
  judgeConnections(
    await oneRow<{ used: number; maximum: number }>(
      session,
      `select count(*)::int as used,
              current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int as maximum
         from pg_stat_activity where backend_type = 'client backend'`,
    ),
    connectionsPercent,
  );

/** Both sides of streaming replication, whichever this server has. */
export const probeReplication: DatabaseProbe = async (session, { replicationLagSeconds }) => {
  const own = await oneRow<{ recovery: boolean; receiving: boolean; lag: number | null }>(
    session,
    // A standby that has replayed all that it received is not behind, however long ago the last commit was.
    `select pg_is_in_recovery() as recovery,
            exists (select from pg_stat_wal_receiver where status = 'streaming') as receiving,
            case when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() then 0
                 else extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::float end as lag`,
  );
  const followers = await session.rows<{ name: string; state: string; lag: number }>(
    `select application_name as name, state, coalesce(extract(epoch from replay_lag), 0)::float as lag
       from pg_stat_replication where state <> 'backup' order by 1`,
  );
  const slots = await session.rows<{ name: string }>(
    "select slot_name as name from pg_replication_slots where slot_type = 'physical' and not active order by 1",
  );
  return judgeReplication(
    {
      standby: own.recovery ? { receiving: own.receiving, lagSeconds: own.lag } : null,
      followers: followers.map(({ name, state, lag }) => ({ name, state, lagSeconds: lag })),
      idleSlots: slots.map(({ name }) => name),
    },
    replicationLagSeconds,
  );
};

/** Statements that wait for a lock; each waits at most since its state changed. */
export const probeLocks: DatabaseProbe = async (session, { lockWaitSeconds }) => {
  const { waiting, longest } = await oneRow<{ waiting: number; longest: number }>(
    session,
    `select count(*)::int as waiting,
            coalesce(max(extract(epoch from clock_timestamp() - state_change)), 0)::float as longest
       from pg_stat_activity where wait_event_type = 'Lock'`,
  );
  return judgeLocks({ waiting, longestSeconds: longest }, lockWaitSeconds);
};

/** Blocks of all databases since the statistics were reset. */
export const probeBuffers: DatabaseProbe = async (session, { bufferMissPercent }) =>
  judgeBuffers(
    await oneRow<{ hits: number; reads: number }>(
      session,
      "select sum(blks_hit)::float as hits, sum(blks_read)::float as reads from pg_stat_database",
    ),
    bufferMissPercent,
  );

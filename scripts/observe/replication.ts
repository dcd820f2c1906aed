import type { Family } from "../metrics/family.ts";
import { oneRow, type Session } from "../postgres/session.ts";
import { type ReadPart, samplesOf } from "./part.ts";

/** The last position that this server has of the write-ahead log, whatever it is. */
const position =
  "case when pg_is_in_recovery() then coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) else pg_current_wal_lsn() end";

/** Both sides of replication: what others take from this server, and what it takes from its upstream. */
export const readReplication: ReadPart = async ({ config, session, server }) => {
  const cluster = config.cluster.name;
  return [
    {
      name: "dbkeeper_observed_in_recovery",
      help: "Whether the server is a standby (1) or a primary (0).",
      samples: [{ labels: { cluster }, value: server.inRecovery ? 1 : 0 }],
    },
    ...(await standbys(cluster, session)),
    ...(await slots(cluster, session)),
    ...(server.inRecovery ? await receiver(cluster, session) : []),
  ];
};

interface Standby {
  standby: string;
  /** Connections of this name, and whether all of them are streamed to. */
  streamed: number;
  streaming: number;
  bytes: Record<string, number | null>;
  seconds: Record<string, number | null>;
}

async function standbys(cluster: string, session: Session): Promise<Family[]> {
  // Two of one name are one series: the one that is further behind counts.
  const rows = await session.rows<Standby>(
    `with current as (select ${position} as lsn)
     select application_name as standby, min((state = 'streaming')::int) as streaming,
            count(*) filter (where state = 'streaming')::int as streamed,
            jsonb_build_object('sent', max(greatest(lsn - sent_lsn, 0)), 'write', max(greatest(lsn - write_lsn, 0)),
                               'flush', max(greatest(lsn - flush_lsn, 0)), 'replay', max(greatest(lsn - replay_lsn, 0))) as bytes,
            jsonb_build_object('write', max(case when write_lsn >= lsn then 0 else extract(epoch from write_lag) end),
                               'flush', max(case when flush_lsn >= lsn then 0 else extract(epoch from flush_lag) end),
                               'replay', max(case when replay_lsn >= lsn then 0 else extract(epoch from replay_lag) end)) as seconds
       from pg_stat_replication, current where state <> 'backup' group by 1 order by 1`,
  );
  const stages = (valuesOf: (row: Standby) => Standby["bytes"]) =>
    rows.flatMap((row) =>
      samplesOf(
        Object.entries(valuesOf(row)),
        ([stage]) => ({ cluster, stage, standby: row.standby }),
        ([, value]) => value,
      ),
    );
  return [
    {
      name: "dbkeeper_observed_streaming_standbys",
      help: "Standbys, and others that take the write-ahead log, to which it is streamed.",
      samples: [{ labels: { cluster }, value: rows.reduce((sum, { streamed }) => sum + streamed, 0) }],
    },
    {
      name: "dbkeeper_observed_standby_streaming",
      help: "Whether the standby is streamed to (1), or is connected and not yet so far (0).",
      samples: samplesOf(
        rows,
        ({ standby }) => ({ cluster, standby }),
        ({ streaming }) => streaming,
      ),
    },
    {
      name: "dbkeeper_observed_standby_lag_bytes",
      help: "How much of the write-ahead log was not sent to the standby yet, or not written, flushed or replayed there.",
      samples: stages(({ bytes }) => bytes),
    },
    {
      name: "dbkeeper_observed_standby_lag_seconds",
      help: "How long it took last until the standby had written, flushed or replayed; 0 where it has everything.",
      samples: stages(({ seconds }) => seconds),
    },
  ];
}

interface Slot {
  slot: string;
  type: string;
  active: number;
  retained: number | null;
  safe: number | null;
  status: string | null;
  invalid: number;
}

const statuses = ["reserved", "extended", "unreserved", "lost"];

async function slots(cluster: string, session: Session): Promise<Family[]> {
  const rows = await session.rows<Slot>(
    `select slot_name as slot, slot_type as type, active::int as active, wal_status as status,
            greatest((${position}) - restart_lsn, 0)::float8 as retained, safe_wal_size::float8 as safe,
            (coalesce(wal_status = 'lost', false) or coalesce((to_jsonb(s) ->> 'conflicting')::boolean, false)
             or to_jsonb(s) ->> 'invalidation_reason' is not null)::int as invalid
       from pg_replication_slots s where not temporary order by 1`,
  );
  const labels = ({ slot, type }: Slot) => ({ cluster, slot, type });
  return [
    {
      name: "dbkeeper_observed_slot_active",
      help: "Whether somebody uses the replication slot (1) or not (0).",
      samples: samplesOf(rows, labels, ({ active }) => active),
    },
    {
      name: "dbkeeper_observed_slot_retained_bytes",
      help: "Write-ahead log that is kept for the slot.",
      samples: samplesOf(rows, labels, ({ retained }) => retained),
    },
    {
      name: "dbkeeper_observed_slot_safe_wal_bytes",
      help: "What may still be written before the slot can lose what it needs; none where that is not limited.",
      samples: samplesOf(rows, labels, ({ safe }) => safe),
    },
    {
      name: "dbkeeper_observed_slot_wal_status",
      help: "1 for the status that the slot's write-ahead log has, 0 for the others.",
      samples: rows.flatMap((row) =>
        row.status === null
          ? []
          : statuses.map((status) => ({
              labels: { cluster, slot: row.slot, status, type: row.type },
              value: row.status === status ? 1 : 0,
            })),
      ),
    },
    {
      name: "dbkeeper_observed_slot_invalidated",
      help: "Whether the slot is of no use any more (1): what it needs was removed.",
      samples: samplesOf(rows, labels, ({ invalid }) => invalid),
    },
  ];
}

async function receiver(cluster: string, session: Session): Promise<Family[]> {
  const now = await oneRow<{
    streaming: number;
    message: number | null;
    paused: number;
    pending: number | null;
    delay: number | null;
  }>(
    session,
    // What was received and replayed is all there is only as long as more could come: a cut link hides the rest.
    `with own as (select pg_last_wal_receive_lsn() as received, pg_last_wal_replay_lsn() as replayed),
          receiver as (select status = 'streaming' as streaming, last_msg_receipt_time from pg_stat_wal_receiver)
     select coalesce(bool_or(streaming), false)::int as streaming,
            extract(epoch from clock_timestamp() - max(last_msg_receipt_time))::float8 as message,
            pg_is_wal_replay_paused()::int as paused, greatest(received - replayed, 0)::float8 as pending,
            case when coalesce(bool_or(streaming), false) and received <= replayed then 0
                 else extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()) end::float8 as delay
       from own left join receiver on true group by received, replayed`,
  );
  const once = (value: number | null) => (value === null ? [] : [{ labels: { cluster }, value }]);
  return [
    {
      name: "dbkeeper_observed_receiver_streaming",
      help: "Whether the standby receives the write-ahead log from its upstream (1) or not (0).",
      samples: once(now.streaming),
    },
    {
      name: "dbkeeper_observed_receiver_last_message_age_seconds",
      help: "How long ago the upstream last sent something; half of its wal_sender_timeout where it is idle.",
      samples: once(now.message),
    },
    {
      name: "dbkeeper_observed_replay_paused",
      help: "Whether somebody has paused the replay (1) or not (0).",
      samples: once(now.paused),
    },
    {
      name: "dbkeeper_observed_replay_pending_bytes",
      help: "What was received and not replayed yet.",
      samples: once(now.pending),
    },
    {
      name: "dbkeeper_observed_replay_delay_seconds",
      help: "Age of the last transaction that was replayed; 0 where all is replayed and more would come.",
      samples: once(now.delay),
    },
  ];
}

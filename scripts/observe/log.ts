import type { Context } from "../context.ts";
import { Failure, messageOf } from "../exit-codes.ts";
import type { Family } from "../metrics/family.ts";
import { oneRow, type Session } from "../postgres/session.ts";
import { ownRoles } from "./config.ts";
import { followFile } from "./follow.ts";
import { kindsOf, linePrefix, logKinds } from "./log-events.ts";
import type { State } from "./state.ts";

/** Counts what the server has logged since the last look; nothing at the first. */
export async function readLog({ config, report }: Context, path: string, state: State): Promise<void> {
  const events = new Map(Object.entries(state.log?.events ?? {}));
  const own = ownRoles(config);
  const followed = await followFile(path, state.log?.position, (line) => {
    for (const kind of kindsOf(line, own)) events.set(kind, (events.get(kind) ?? 0) + 1);
  }).catch((error: unknown) => {
    throw new Failure(
      "preflight",
      `cannot read the server's log: ${messageOf(error)}; let this account read it (group adm on Debian)`,
    );
  });
  if (followed.hasGap)
    report.event(
      "warning",
      "log-gap",
      `${path} was replaced before all of it was read, and what it held is gone`,
    );
  const { position, unreadBytes } = followed;
  state.log = { position, events: Object.fromEntries(events), unreadBytes };
}

/** Fails where the server logs in a form that nothing would be found in: no event is not the same as none seen. */
export async function requireReadableLog(session: Session): Promise<void> {
  const { prefix, messages } = await oneRow<{ prefix: string; messages: string }>(
    session,
    "select current_setting('log_line_prefix') as prefix, current_setting('lc_messages') as messages",
  );
  if (!prefix.startsWith(linePrefix))
    throw new Failure(
      "preflight",
      `log_line_prefix is ${JSON.stringify(prefix)}: set one that begins with ${JSON.stringify(linePrefix)}, so that events can be told by their SQLSTATE`,
    );
  if (!/^(C|POSIX|en)?([_.].*)?$/.test(messages))
    throw new Failure(
      "preflight",
      `lc_messages is ${messages}: set C, so that the log is in the words that are looked for`,
    );
}

/** Events as they are known, also where the log cannot be read: they count on. */
export function logFamilies(cluster: string, { log }: State): Family[] {
  return [
    {
      name: "dbkeeper_log_events_total",
      help: "Events of a kind in the server's log since it is being read.",
      type: "counter",
      samples:
        log === null
          ? []
          : logKinds.map((kind) => ({ labels: { cluster, kind }, value: log.events[kind] ?? 0 })),
    },
    {
      name: "dbkeeper_log_unread_bytes",
      help: "What the last look has left of the log for the next.",
      samples: log === null ? [] : [{ labels: { cluster }, value: log.unreadBytes }],
    },
  ];
}

import type { Context } from "../context.ts";
import { connect, oneRow } from "../postgres/session.ts";
import { walOf } from "./pgbackrest.ts";

/** Whether the server is a standby now; one that does not answer is not taken for one. */
export async function isStandby(context: Context): Promise<boolean> {
  const { connection } = walOf(context);
  try {
    const session = await connect(connection, connection.maintenanceDatabase);
    const sql = "select pg_is_in_recovery() as standby";
    return (await oneRow<{ standby: boolean }>(session, sql).finally(() => session.close())).standby;
  } catch {
    return false;
  }
}

/**
 * Does what only a primary can: archive, take backups, write what drills look for. A standby has nothing to do, until
 * it is promoted: then the same units go on there.
 */
export async function onPrimary(context: Context, work: () => Promise<unknown>): Promise<void> {
  if (!(await isStandby(context))) {
    await work();
    return;
  }
  const text =
    "nothing to do: this server is a standby; its primary archives, and takes the backups, until this one is promoted";
  context.report.event("info", "wal-skipped", text);
}

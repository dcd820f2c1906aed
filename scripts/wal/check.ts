import type { Context } from "../context.ts";
import { Failure, messageOf } from "../exit-codes.ts";
import { connect } from "../postgres/session.ts";
import { pgBackRest, walOf } from "./pgbackrest.ts";
import { leaveSentinels } from "./sentinel.ts";
import {
  type Deviation,
  describeDeviation,
  expectedSettings,
  findDeviations,
  readSettings,
} from "./settings.ts";
import { lostSegments, readWalStatus } from "./status.ts";

/**
 * Checks that everything which could be recovered will be: the server's settings, the way into the repository (a
 * segment is archived for it), the archiver, and that no segment is missing. Reports all that is wrong before it fails.
 */
export async function check(context: Context): Promise<void> {
  const { config, connection } = walOf(context);
  const { report } = context;
  const problems: string[] = [];
  const found = (event: string, text: string, facts: Record<string, string> = {}) => {
    problems.push(text);
    report.event("error", event, text, facts);
  };
  const session = await connect(connection, connection.maintenanceDatabase);
  const deviations = await (async () => {
    // A drill to any time finds rows of the checks before it.
    await leaveSentinels(session, connection.role);
    return await deviationsOf(config);
  })().finally(() => session.close());
  for (const deviation of deviations) found("wal-setting", describeDeviation(deviation), { ...deviation });
  if (deviations.length === 0) report.event("info", "wal-settings-good", "the settings are as wanted");
  // pgBackRest's own check would only time out where nothing can be archived.
  if (!deviations.some(({ name, kind }) => name.startsWith("archive_") && kind !== "elsewhere")) {
    const options = [`--archive-timeout=${config.archiveWaitSeconds}`];
    await pgBackRest(config, "check", options, context.signal).then(
      () => report.event("info", "wal-archive-good", "a segment was archived and found in every repository"),
      (error: unknown) => {
        context.signal.throwIfAborted();
        found("wal-archive", messageOf(error));
      },
    );
  }
  const status = await readWalStatus(context);
  for (const problem of status.stanzaProblems)
    found("wal-stanza", `pgBackRest says of stanza ${config.stanza}: ${problem}`);
  if (status.archiver.state !== "ok") found("wal-archiver", status.archiver.reason);
  for (const gap of lostSegments(status)) {
    found(
      "wal-gap",
      `${gap.first} to ${gap.last} are lost: recovery from repository ${gap.repository} ends before them; take a full backup`,
    );
  }
  if (problems.length > 0) throw new Failure("verification", problems.join("; "));

  async function deviationsOf(wal: typeof config): Promise<Deviation[]> {
    const expected = expectedSettings(wal);
    const settings = await readSettings(
      session,
      expected.map(({ name }) => name),
    );
    return findDeviations(expected, settings, wal.settings.file);
  }
}

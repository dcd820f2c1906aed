import type { Context } from "../context.ts";
import { secondsSince } from "../dump/file.ts";
import { Failure, kindOf, messageOf } from "../exit-codes.ts";
import { archiveOf, decodeArchive, restoreArchive } from "../postgres/archive-file.ts";
import { compareFingerprints, countRows, listTables, takeFingerprint } from "../postgres/fingerprint.ts";
import {
  requireUndisturbed,
  type ScratchDatabase,
  type ScratchServer,
  withScratchDatabase,
} from "../postgres/scratch.ts";
import { cancelOn } from "../postgres/session.ts";
import type { DatabaseEntry, Level, Validation } from "../runs/manifest.ts";
import type { Run } from "../runs/runs.ts";
import { checksFor, runChecks } from "./checks.ts";
import { checkBeginnings, checkFile } from "./files.ts";
import { checkIndexes } from "./indexes.ts";

/** What a validation found out about one database. */
export type DatabaseResult = Validation["databases"][number];

/** What a validation works with. */
export interface Means {
  level: Level;
  pgRestore: string;
  /** Only at the level `restore`. */
  server: ScratchServer | undefined;
}

type Findings = Pick<DatabaseResult, "notRestored" | "uncompared" | "indexes" | "checks"> & {
  /** What is wrong with what was read or restored. */
  faults: string[];
};

const nothingFound: Findings = { faults: [], notRestored: [], uncompared: null, indexes: null, checks: [] };

/**
 * Proves one database of a run. Throws only what says nothing about the dump: `preflight`, `unreachable`, or the
 * interruption.
 */
export async function proveDatabase(
  context: Context,
  run: Run,
  entry: DatabaseEntry,
  means: Means,
): Promise<DatabaseResult> {
  const begun = performance.now();
  const { faults, ...found } = await prove(context, run, entry, means).catch(async (error: unknown) => {
    await rethrowUnlessOfTheDump(error, means.server, context.signal);
    return { ...nothingFound, faults: [messageOf(error)] };
  });
  const reason = faults.length === 0 ? null : faults.join("; ");
  const outcome = reason === null ? "passed" : "failed";
  return { name: entry.name, outcome, durationSeconds: secondsSince(begun), reason, ...found };
}

async function prove(context: Context, run: Run, entry: DatabaseEntry, means: Means): Promise<Findings> {
  const { config, signal } = context;
  for (const file of entry.files) await checkFile(run.folder, file, signal);
  if (means.level === "checksum") return nothingFound;
  if (entry.format === "directory") await checkBeginnings(run.folder, entry.files);
  const archive = await archiveOf(run, entry, means.pgRestore, config);
  const { server } = means;
  if (server === undefined) {
    await decodeArchive(archive, signal);
    return nothingFound;
  }
  // Restoring reads every byte of the archive as decoding would, so that is not done twice.
  return await withScratchDatabase(server, entry, async (scratch) => {
    const notRestored = await restoreArchive(archive, server, scratch.name, signal);
    return { ...(await lookAt(context, entry, scratch)), notRestored };
  });
}

/** Compares a restored copy with what was dumped, and then with what a database has to be. */
async function lookAt(context: Context, entry: DatabaseEntry, scratch: ScratchDatabase): Promise<Findings> {
  const { config, signal } = context;
  const { session } = scratch;
  const stopCancelling = cancelOn(signal, session);
  try {
    const tables = await listTables(session);
    const { content } = entry;
    const differences =
      content === null ? [] : compareFingerprints(content, await takeFingerprint(session, tables, signal));
    const uncompared = content === null ? await countRows(session, tables, signal) : null;
    // Before the extension that checks indexes is added: the site's checks see what was restored and no more.
    const checks = await runChecks(session, checksFor(config.checks, entry.name), signal);
    const indexes = await checkIndexes(session, signal);
    const faults = [
      ...(differences.length === 0 ? [] : [describeDifferences(differences)]),
      ...checks.flatMap(({ name, reason }) => (reason === null ? [] : [`check "${name}": ${reason}`])),
      ...(indexes.outcome === "failed" && indexes.reason !== null ? [indexes.reason] : []),
    ];
    return { faults, notRestored: [], uncompared, indexes, checks };
  } finally {
    stopCancelling();
  }
}

function describeDifferences(differences: readonly string[]): string {
  const shown = differences.slice(0, 10).join("; ");
  const more = differences.length > 10 ? ` and ${differences.length - 10} more` : "";
  return `the restored copy differs from the source: ${shown}${more}`;
}

/** Errors of a restore that tell of the role's rights, or of what the scratch server does not have. */
const lacksOfTheServer =
  /pg_restore.*(permission denied|must be (superuser|owner)|role ".*" does not exist|extension ".*" is not available|could not open extension control file|could not access file)/s;

/** What says nothing about the dump must not be recorded against it. */
async function rethrowUnlessOfTheDump(
  error: unknown,
  server: ScratchServer | undefined,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  if (kindOf(error) === "preflight" || kindOf(error) === "unreachable") throw error;
  if (/\bNo space left on device\b|\bENOSPC\b/.test(messageOf(error))) {
    throw new Failure("preflight", `there is no room for a scratch restore: ${messageOf(error)}`);
  }
  if (server === undefined) return;
  if (lacksOfTheServer.test(messageOf(error))) {
    throw new Failure(
      "preflight",
      `the scratch server cannot take all of it as role ${server.connection.role} (${messageOf(error)}); set restoreInto to a server and a role that can`,
    );
  }
  await requireUndisturbed(server);
}

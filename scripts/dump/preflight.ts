import type { Context } from "../context.ts";
import { requireEncryption } from "../encryption/encryption.ts";
import { formatBytes } from "../events.ts";
import { Failure } from "../exit-codes.ts";
import { listDatabases, type Selection, selectDatabases } from "../postgres/databases.ts";
import { readServerFacts, type ServerFacts, type Session } from "../postgres/session.ts";
import { type ClientTools, findClientTools } from "../postgres/tools.ts";
import { type DatabaseEntry, sizeOfDump } from "../runs/manifest.ts";
import { listRuns } from "../runs/runs.ts";
import { estimateDumpBytes, freeBytes } from "../system/space.ts";
import { type PlannedDump, planDumps } from "./plan.ts";

/** What a run is going to do. */
export interface DumpPlan extends Pick<Selection, "skipped" | "failed"> {
  server: ServerFacts;
  tools: ClientTools;
  dumps: PlannedDump[];
  /** Bytes that all dumps together may need. */
  neededBytes: number;
}

/** Everything that may refuse before anything is changed. */
export async function prepareDump(context: Context, session: Session): Promise<DumpPlan> {
  const { config, signal } = context;
  const server = await readServerFacts(session);
  const [tools, listed] = await Promise.all([
    findClientTools(config, server.major, signal),
    listDatabases(session),
  ]);
  const { chosen, skipped, failed } = selectDatabases(listed, config.databases);
  if (chosen.length === 0) {
    const reasons = failed.map(({ name, reason }) => `${JSON.stringify(name)} ${reason}`).join(", ");
    throw new Failure("preflight", `there is no database to dump${reasons && `: ${reasons}`}`);
  }
  await requireEncryption(config, signal);
  const dumps = planDumps(chosen, {
    format: config.dump.format,
    jobs: config.jobs,
    clientMajor: tools.major,
    encrypted: config.encryption !== undefined,
  });
  return { server, tools, dumps, skipped, failed, neededBytes: await requireSpace(context, dumps) };
}

async function requireSpace(context: Context, dumps: readonly PlannedDump[]): Promise<number> {
  const { config } = context;
  const { runs } = await listRuns(config.directory, config.cluster.name);
  const last = new Map<string, DatabaseEntry>();
  for (const { manifest } of runs) for (const entry of manifest.databases) last.set(entry.name, entry);
  const needed = estimateDumpBytes(
    dumps.map(({ database, format }) => {
      const entry = last.get(database.name);
      // Another format has another compression, and says nothing about this one.
      const lastDumpBytes = entry?.format === format ? sizeOfDump(entry) : null;
      return { databaseBytes: database.bytes, lastDumpBytes };
    }),
  );
  const free = await freeBytes(config.directory);
  if (free >= needed + config.minimumFreeBytes) return needed;
  throw new Failure(
    "preflight",
    `${config.directory} has ${formatBytes(free)} free, but the dump may need ${formatBytes(needed)} and ${formatBytes(config.minimumFreeBytes)} must stay free (minimumFreeBytes); make room or keep runs for a shorter time`,
  );
}

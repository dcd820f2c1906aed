import { constants } from "node:fs";
import { open, readFile, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as z from "zod";
import type { Config } from "../config.ts";
import type { Context } from "../context.ts";
import { isValidated, type Manifest, sizeOfDump } from "../runs/manifest.ts";
import { listRuns, type Run, requireDirectory } from "../runs/runs.ts";
import { hasCode, leaveToFolder, makeFolder } from "../system/files.ts";

const time = z.iso.datetime();
const bytes = z.int().min(0);

/** What is remembered of a run after it was pruned. */
const runSchema = z.object({
  type: z.literal("run"),
  run: z.string(),
  startedAt: time,
  finishedAt: time,
  databases: z.array(
    z.object({
      name: z.string(),
      /** Size on the server; `null` where the role could not see it. */
      databaseBytes: bytes.nullable(),
      dumpBytes: bytes,
      durationSeconds: z.number().min(0),
    }),
  ),
  failed: z.array(z.string()),
  /** Complete, restored and compared. */
  proven: z.boolean(),
  /** End of the copy to the archive; `null` until there is one. */
  offsiteAt: time.nullable(),
});

/** See {@link runSchema}. */
export type RunRecord = z.infer<typeof runSchema>;

/** How a command ended, and the room there was then. */
const commandSchema = z.object({
  type: z.literal("command"),
  command: z.string(),
  startedAt: time,
  finishedAt: time,
  exitCode: z.int(),
  /** Of the file system of the dumps; `null` where it could not be asked. */
  disk: z.object({ freeBytes: bytes, sizeBytes: bytes }).nullable(),
});

/** See {@link commandSchema}. */
export type CommandRecord = z.infer<typeof commandSchema>;

const recordSchema = z.discriminatedUnion("type", [runSchema, commandSchema]);

/** Everything that is known of the past, oldest first. */
export interface History {
  runs: RunRecord[];
  commands: CommandRecord[];
}

/** The file that outlives the runs: one JSON object a line, only ever added to. */
export function historyFile({ directory, cluster }: Pick<Config, "directory" | "cluster">): string {
  return join(directory, "history", `${cluster.name}.jsonl`);
}

/**
 * Adds how a command ended, and every run on disk that is new or no longer as it was written down: proven since, or
 * copied off-site.
 */
export async function recordHistory(
  context: Context,
  ended: Pick<CommandRecord, "command" | "startedAt" | "exitCode">,
): Promise<void> {
  const { config, now } = context;
  await requireDirectory(config.directory);
  const disk = await statfs(config.directory)
    .then(({ bavail, bfree, blocks, bsize }) => ({
      freeBytes: bavail * bsize,
      sizeBytes: (blocks - bfree + bavail) * bsize,
    }))
    .catch(() => null);
  const known = new Map(
    (await readRecords(config)).runs.map((record) => [record.run, JSON.stringify(record)]),
  );
  const { runs } = await listRuns(config.directory, config.cluster.name);
  const changed = runs.map(recordOf).filter((record) => known.get(record.run) !== JSON.stringify(record));
  await append(historyFile(config), [
    ...changed,
    { type: "command", ...ended, finishedAt: now().toISOString(), disk },
  ]);
}

/** Reads the history, with the runs on disk as they are now. */
export async function readHistory(config: Config): Promise<History> {
  await requireDirectory(config.directory);
  const { runs, commands } = await readRecords(config);
  const onDisk = (await listRuns(config.directory, config.cluster.name)).runs.map(recordOf);
  return { runs: newestOfEach([...runs, ...onDisk]), commands };
}

/** What is remembered of a run. */
export function recordOf({ id, manifest }: Pick<Run, "id" | "manifest">): RunRecord {
  return {
    type: "run",
    run: id,
    startedAt: manifest.startedAt,
    finishedAt: manifest.finishedAt,
    databases: manifest.databases.map((entry: Manifest["databases"][number]) => ({
      name: entry.name,
      databaseBytes: entry.databaseBytes,
      dumpBytes: sizeOfDump(entry),
      durationSeconds: entry.durationSeconds,
    })),
    failed: manifest.failed.map(({ name }) => name),
    proven: isValidated(manifest),
    offsiteAt: manifest.offsite?.finishedAt ?? null,
  };
}

async function readRecords(config: Config): Promise<History> {
  const text = await readFile(historyFile(config), "utf8").catch((error: unknown) => {
    if (hasCode(error, "ENOENT")) return "";
    throw error;
  });
  const records = text.split("\n").flatMap((line) => {
    // A line that a crash cut off is lost, the others are not.
    const record = recordSchema.safeParse(parsed(line));
    return record.success ? [record.data] : [];
  });
  return {
    runs: newestOfEach(records.filter((record) => record.type === "run")),
    commands: records.filter((record) => record.type === "command"),
  };
}

/** The last that was written of each run, by the time of the run. */
function newestOfEach(records: readonly RunRecord[]): RunRecord[] {
  return [...new Map(records.map((record) => [record.run, record])).values()].toSorted(
    (a, b) => Date.parse(a.finishedAt) - Date.parse(b.finishedAt),
  );
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** In one write at the end of the file, after a line break where a crash left none. */
async function append(path: string, records: readonly (RunRecord | CommandRecord)[]): Promise<void> {
  await makeFolder(dirname(path), 0o700);
  // Root must not follow a link that the folder's owner has put there.
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_RDWR } = constants;
  const handle = await open(path, O_APPEND | O_CREAT | O_NOFOLLOW | O_RDWR, 0o600);
  try {
    await leaveToFolder(handle, dirname(path));
    const { size } = await handle.stat();
    const last =
      size === 0
        ? "\n"
        : (await handle.read({ position: size - 1, length: 1, buffer: Buffer.alloc(1) })).buffer.toString();
    const lines = records.map((record) => `${JSON.stringify(record)}\n`).join("");
    await handle.write(last === "\n" ? lines : `\n${lines}`);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

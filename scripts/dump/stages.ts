import { constants, createZstdDecompress } from "node:zlib";
import type { Config } from "../config.ts";
import { encryptStages } from "../encryption/encryption.ts";
import { databaseOption } from "../postgres/quote.ts";
import { clientEnvironment } from "../postgres/session.ts";
import type { ClientTools } from "../postgres/tools.ts";
import type { Stage } from "../system/child.ts";
import type { PlannedDump } from "./plan.ts";

/** What pg_dump is to read. */
export interface DumpSource {
  plan: PlannedDump;
  /** A snapshot that our session exported; `null`: pg_dump takes one of its own. */
  snapshot: string | null;
  standby: boolean;
}

/** The programs that write a dump to standard output, or pg_dump alone where it writes a folder itself. */
export function dumpStages(
  config: Config,
  tools: Pick<ClientTools, "pgDump" | "major">,
  { plan, snapshot, standby }: DumpSource,
  folder?: string,
): Stage[] {
  const { cluster, compression, lockWaitTimeoutSeconds } = config;
  const env = clientEnvironment(cluster);
  const { format, jobs, database } = plan;
  const level = compression.zstdLevel;
  const compress = format === "custom+zstd" ? "0" : tools.major >= 16 ? `zstd:${level}` : directoryGzipLevel;
  const dump: Stage = {
    file: tools.pgDump,
    args: [
      `--format=${format === "directory" ? "directory" : "custom"}`,
      `--compress=${compress}`,
      "--no-password",
      // Not all of them come with it when a dump takes only some schemas or tables.
      "-b",
      `--lock-wait-timeout=${lockWaitTimeoutSeconds * 1000}`,
      ...(snapshot === null ? [] : [`--snapshot=${snapshot}`]),
      ...(folder === undefined ? [] : [`--file=${folder}`, `--jobs=${jobs}`, "--no-sync"]),
      // Unlogged tables are empty on a standby and cannot be read there.
      ...(standby ? ["--no-unlogged-table-data"] : []),
      databaseOption(database.name),
    ],
    env,
  };
  if (format === "directory") return [dump];
  const zstd: Stage = { file: "zstd", args: ["-q", "-c", `-${level}`, "-T0", ...jobSize(level)], env };
  const after = [...(format === "custom+zstd" ? [zstd] : []), ...encryptStages(config)];
  return after.length === 0 ? [dump] : [buffered(dump), ...after];
}

/**
 * Lets a program write to a pipe in pieces of its size instead of 4 KiB: a dump of 1 GiB takes 250,000 system calls
 * less, a twentieth of the processor time that pg_dump, zstd and the server need together.
 */
function buffered(stage: Stage): Stage {
  return { ...stage, name: "pg_dump", file: "stdbuf", args: ["--output=64K", stage.file, ...stage.args] };
}

/**
 * What zstd's threads take at a time. At low levels they take so little that what ends early costs bytes: 11 kB of
 * 360 MB; with 4 MiB, a process takes 31 MB of memory instead of 20. From level 4 on its own choice is larger.
 */
function jobSize(level: number): readonly string[] {
  return level <= 3 ? ["-B4MiB"] : [];
}

/** What pg_dump before 16 compresses the files of a directory with: it knows only gzip, see `docs/dbkeeper.md`. */
const directoryGzipLevel = "1";

/** An archive of nothing, compressed, is larger than this: its table of contents alone is a kilobyte. */
const leastArchiveBytes = 256;

/** Bytes that age adds for each recipient, and for everything else in a short file. */
const ageRecipientBytes = 100;
const ageBytes = 110;

/**
 * Refuses what cannot be the beginning of an archive: nothing at all, compressed or encrypted, is a file too. What is
 * encrypted can only be refused by its size.
 */
export async function checkArchiveHead(
  head: Buffer,
  sizeBytes: number,
  { format, recipients }: { format: PlannedDump["format"]; recipients: number },
): Promise<void> {
  if (recipients > 0) {
    if (sizeBytes >= leastArchiveBytes + ageBytes + ageRecipientBytes * recipients) return;
  } else {
    const plain = format === "custom+zstd" ? await decompressedStart(head) : head;
    if (plain.subarray(0, 5).equals(Buffer.from("PGDMP"))) return;
  }
  throw new Error(`what pg_dump wrote is no archive (${sizeBytes} bytes), although it reported no failure`);
}

/** Not all of it: of rows that are alike, a head of 160 KiB may be gigabytes. */
async function decompressedStart(head: Buffer): Promise<Buffer> {
  const stream = createZstdDecompress({ finishFlush: constants.ZSTD_e_flush });
  stream.end(head);
  for await (const chunk of stream) return chunk;
  return Buffer.alloc(0);
}

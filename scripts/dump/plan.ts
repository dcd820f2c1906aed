import { Failure } from "../exit-codes.ts";
import type { ListedDatabase } from "../postgres/databases.ts";
import type { DatabaseEntry } from "../runs/manifest.ts";

/** How one database is going to be dumped. */
export interface PlannedDump {
  database: ListedDatabase;
  format: DatabaseEntry["format"];
  /** Processes that dump tables of it at the same time; 1 where the format is not `directory`. */
  jobs: number;
}

/** What the choice of formats depends on. */
export interface FormatChoice {
  format: "auto" | "custom" | "directory";
  jobs: number;
  clientMajor: number;
  encrypted: boolean;
}

/** Databases below this size, in bytes, are dumped sooner than a second process has connected. */
const worthSplittingBytes = 256 * 1024 ** 2;

/**
 * Chooses each database's format; the largest comes first, so that it is not what all others wait for in the end.
 * `auto` splits a database only where pg_dump compresses with zstd by itself (from 16 on: before, the parts could only
 * be gzip, which costs more time than the second process saves) and where it alone is more than an equal share of the
 * work. Fails as `usage` where a directory should be encrypted: pg_dump writes its files itself, in plain.
 */
export function planDumps(databases: readonly ListedDatabase[], choice: FormatChoice): PlannedDump[] {
  const { format, jobs, clientMajor, encrypted } = choice;
  if (format === "directory" && encrypted) {
    throw new Failure(
      "usage",
      'dump.format "directory" cannot be encrypted, because pg_dump writes its files to the disk in plain; use "custom", or leave it at "auto"',
    );
  }
  const whole = clientMajor >= 16 ? "custom" : "custom+zstd";
  const bytesOf = ({ bytes }: ListedDatabase) => bytes ?? 0;
  const total = databases.reduce((sum, database) => sum + bytesOf(database), 0);
  const worthSplitting = (database: ListedDatabase) =>
    !encrypted &&
    clientMajor >= 16 &&
    jobs > 1 &&
    bytesOf(database) >= worthSplittingBytes &&
    bytesOf(database) > total / jobs;
  return databases
    .toSorted((a, b) => bytesOf(b) - bytesOf(a))
    .map((database) =>
      format === "directory" || (format === "auto" && worthSplitting(database))
        ? { database, format: "directory", jobs }
        : { database, format: whole, jobs: 1 },
    );
}

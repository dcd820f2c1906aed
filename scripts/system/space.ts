import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { hasCode } from "./files.ts";

/** Bytes that this process may still write under a path; for a path out of reach, of its nearest reachable parent. */
export async function freeBytes(path: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  } catch (error) {
    const parent = dirname(path);
    const beyond = hasCode(error, "EACCES") || hasCode(error, "ENOENT");
    if (!beyond || parent === path) throw error;
    return await freeBytes(parent);
  }
}

/** What is known before a dump about how large it will be. */
export interface DumpEstimate {
  /** Size on the server; `null` where it cannot be seen. */
  databaseBytes: number | null;
  /** Size of the newest dump of it; `null` where there is none. */
  lastDumpBytes: number | null;
}

/**
 * Bytes that the dumps may need: a fifth more than last time, or, the first time, as much as the database
 * itself (a dump leaves out indexes and is compressed, so that is plenty).
 */
export function estimateDumpBytes(databases: readonly DumpEstimate[]): number {
  return databases.reduce((sum, { databaseBytes, lastDumpBytes }) => {
    return sum + (lastDumpBytes === null ? (databaseBytes ?? 0) : Math.ceil(lastDumpBytes * 1.2));
  }, 0);
}

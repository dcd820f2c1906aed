import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { hashFile } from "../dump/file.ts";
import type { DatabaseEntry } from "../runs/manifest.ts";
import type { Run } from "../runs/runs.ts";
import { serverPrograms, type TestCluster } from "./cluster.ts";

const execute = promisify(execFile);
const never = new AbortController().signal;

/** What pg_dump writes without anybody's help. */
export type PlainFormat = "custom" | "directory" | "uncompressed";

/**
 * Dumps a database once more, as a superuser, beside what a run holds. Returns its entry, named after the format;
 * everything else is as in `like`, which must be a dump of the same database in the same state.
 */
export async function dumpAs(
  format: PlainFormat,
  { cluster, run, like }: { cluster: TestCluster; run: Run; like: DatabaseEntry },
): Promise<DatabaseEntry> {
  const kind = format === "directory" ? "directory" : "custom";
  await execute(join(serverPrograms ?? "", "pg_dump"), [
    `--format=${kind}`,
    ...(format === "uncompressed" ? ["--compress=0"] : []),
    `--file=${join(run.folder, format)}`,
    `--host=${cluster.socketDirectory}`,
    `--port=${cluster.port}`,
    "--username=postgres",
    like.name,
  ]);
  const names =
    kind === "custom"
      ? [format]
      : (await readdir(join(run.folder, format))).map((name) => `${format}/${name}`);
  const files = await Promise.all(
    names.toSorted().map(async (file) => ({ file, ...(await hashFile(join(run.folder, file), never)) })),
  );
  return { ...like, name: format, format: kind, files };
}

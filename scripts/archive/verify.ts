import { createHash } from "node:crypto";
import type { Context } from "../context.ts";
import { Failure } from "../exit-codes.ts";
import { mapParallel } from "../system/parallel.ts";
import { archiveOf, offsite, openReader, type Store } from "./client.ts";
import { compositeSha256 } from "./digests.ts";
import { readStream } from "./download.ts";
import { listArchived } from "./inventory.ts";
import { describeObject, difference } from "./object-status.ts";
import type { ArchivedObject } from "./offsite.ts";
import { recordVerification } from "./results.ts";

/**
 * Holds what the archive has of a cluster against the manifests there: every object by what S3 tells, and those whose
 * turn it is, where they can be read without a restore, by reading them. With `all` each object that can be read is.
 * Fails as `verification` where anything differs or is missing.
 */
export async function verifyArchive(context: Context, { all = false }: { all?: boolean }): Promise<void> {
  const settings = archiveOf(context);
  const { report, signal, now, config } = context;
  const reader = await openReader(settings);
  const day = Math.floor(now().getTime() / 86_400_000);
  const problems: string[] = [];
  let runs = 0;
  let checked = 0;
  let read = 0;
  const note = (run: string, problem: string) => {
    problems.push(`run ${run}: ${problem}`);
    report.event("error", "archive-damaged", `run ${run}: ${problem}`, { run });
  };
  try {
    await offsite(signal, "cannot verify the archive", async () => {
      for (const { id, manifest, problem } of await listArchived(
        reader,
        settings.prefix,
        config.cluster.name,
      )) {
        runs += 1;
        if (manifest === undefined) note(id, problem ?? "it has no manifest");
        await mapParallel(manifest?.offsite?.objects ?? [], settings.connections, async (object) => {
          signal.throwIfAborted();
          const status = await describeObject(reader, object);
          const told = difference(object, status);
          checked += 1;
          if (told !== undefined) note(id, told);
          else if (status.state === "readable" && (all || isDue(object.key, day, settings.rereadDays))) {
            read += 1;
            const differs = await contentProblem(reader, object, signal);
            if (differs !== undefined) note(id, differs);
          }
        });
      }
    });
  } finally {
    reader.client.destroy();
  }
  await recordVerification(config, {
    finishedAt: now().toISOString(),
    runs,
    objects: checked,
    objectsRead: read,
    problems: problems.length,
  });
  if (problems.length > 0)
    throw new Failure("verification", `the archive is damaged: ${problems.join("; ")}`);
  const text = `all ${checked} objects are as they were sent, ${read} of them read in full`;
  report.event("info", "archive-verified", text, { objects: checked, read });
}

/** Whether it is an object's turn to be read on a day: once in so many days, spread by its key. */
export function isDue(key: string, day: number, rereadDays: number): boolean {
  const turn = createHash("sha256").update(key).digest().readUInt32BE() % rereadDays;
  return turn === day % rereadDays;
}

/** Reads an object and computes its checksum as S3 did when it came. */
async function contentProblem(
  reader: Store,
  object: ArchivedObject,
  signal: AbortSignal,
): Promise<string | undefined> {
  const partBytes = object.partBytes ?? Number.POSITIVE_INFINITY;
  const parts: string[] = [];
  let hash = createHash("sha256");
  let inPart = 0;
  await readStream(reader, object, signal, (_at, chunk) => {
    for (let rest = chunk; rest.length > 0; ) {
      const piece = rest.subarray(0, partBytes - inPart);
      hash.update(piece);
      inPart += piece.length;
      rest = rest.subarray(piece.length);
      if (inPart < partBytes) continue;
      parts.push(hash.digest("base64"));
      hash = createHash("sha256");
      inPart = 0;
    }
    return Promise.resolve();
  });
  if (inPart > 0 || parts.length === 0) parts.push(hash.digest("base64"));
  const found = object.partBytes === null ? (parts[0] ?? "") : compositeSha256(parts);
  return found === object.checksumSha256
    ? undefined
    : `the content of ${object.key} has the checksum ${found} instead of ${object.checksumSha256}`;
}

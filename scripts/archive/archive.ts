import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { z } from "zod";
import type { Config } from "../config.ts";
import type { Context } from "../context.ts";
import { hashFile } from "../dump/file.ts";
import { formatBytes } from "../events.ts";
import { Failure, messageOf } from "../exit-codes.ts";
import { filesOf, isValidated, manifestFile, writeManifest } from "../runs/manifest.ts";
import { listRuns, type Run, runsFolder } from "../runs/runs.ts";

/** Largest file that is sent, in bytes: larger ones need an upload in parts. */
const largestBytes = 100 * 1000 * 1000;

/**
 * Copies the newest validated run to S3, each file with its SHA-256, which the service checks; the manifest goes
 * last, so that a run without one is known to be incomplete. Does nothing where the copy is already there. Only
 * under the cluster's lock. Fails as `offsite`, and as `preflight` where there is nothing proven to copy.
 */
export async function archive(context: Context): Promise<void> {
  const { config, report } = context;
  if (config.archive === undefined) throw new Failure("usage", "the configuration has no `archive`");
  const { runs } = await listRuns(config.directory, config.cluster.name);
  const run = runs.findLast(({ manifest }) => isValidated(manifest));
  if (run === undefined) {
    throw new Failure(
      "preflight",
      `no run in ${runsFolder(config.directory, config.cluster.name)} is restore-validated; \`dbkeeper validate\` first`,
    );
  }
  if (run.manifest.offsite !== null) {
    report.event("info", "archive-current", `run ${run.id} is already at ${run.manifest.offsite.url}`, {
      run: run.id,
    });
    return;
  }
  const url = await upload(context, config.archive, run).catch((error: unknown) => {
    context.signal.throwIfAborted();
    throw new Failure("offsite", `cannot copy run ${run.id} off-site: ${messageOf(error)}`, { cause: error });
  });
  const offsite = { url, finishedAt: context.now().toISOString() };
  await writeManifest(run.folder, { ...run.manifest, offsite });
  report.event("info", "archive-finished", `copied run ${run.id} to ${url}`, { run: run.id, url });
}

async function upload(context: Context, archive: NonNullable<Config["archive"]>, run: Run): Promise<string> {
  const files = filesOf(run.manifest);
  const large = files.find((file) => file.sizeBytes > largestBytes);
  if (large !== undefined) {
    throw new Error(
      `${large.file} has ${formatBytes(large.sizeBytes)}, and files over ${formatBytes(largestBytes)} cannot be sent yet`,
    );
  }
  const manifestPath = join(run.folder, manifestFile);
  files.push({ file: manifestFile, ...(await hashFile(manifestPath, context.signal)) });
  const client = new S3Client({
    region: archive.region,
    credentials: await readCredentials(archive.credentialsFile),
    ...(archive.endpoint === undefined ? {} : { endpoint: archive.endpoint, forcePathStyle: true }),
  });
  const prefix = `${archive.prefix}/${run.manifest.cluster}/${run.id}`;
  try {
    for (const { file, sizeBytes, sha256 } of files) {
      const put = new PutObjectCommand({
        Bucket: archive.bucket,
        Key: `${prefix}/${file}`,
        // Whole in memory: at most 100 MB, and a retry needs it again.
        Body: await readFile(join(run.folder, file)),
        ChecksumSHA256: Buffer.from(sha256, "hex").toString("base64"),
      });
      await client.send(put, { abortSignal: context.signal });
      context.report.event("info", "file-archived", `sent ${file} (${formatBytes(sizeBytes)})`, {
        file,
        sizeBytes,
      });
    }
  } finally {
    client.destroy();
  }
  return `s3://${archive.bucket}/${prefix}/`;
}

const credentialsSchema = z.object({ accessKeyId: z.string().min(1), secretAccessKey: z.string().min(1) });

async function readCredentials(path: string): Promise<z.infer<typeof credentialsSchema>> {
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) throw new Error(`${path} can be read by others; chmod 0600 it`);
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, "utf8"));
  } catch {
    // The parser's message may quote the file, which is secret.
    throw new Error(`${path} cannot be read as JSON`);
  }
  const result = credentialsSchema.safeParse(value);
  if (!result.success) throw new Error(`${path} must hold accessKeyId and secretAccessKey`);
  return result.data;
}

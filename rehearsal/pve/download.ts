import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { rootCertificates } from "node:tls";
import { Agent, interceptors, request } from "undici";
import { syncFolder } from "../lib/files.ts";
import type { TaskLog } from "./tasks.ts";

/** Checksums that a download can be held against. */
export const checksumAlgorithms = ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"] as const;

/** What to fetch and where to put it. */
export interface Download {
  url: string;
  path: string;
  /** Path as messages show it. */
  shownPath: string;
  verifyCertificates: boolean;
  /** PEM file with a CA that is trusted besides the public ones. */
  caFile: string | undefined;
  checksum: { algorithm: (typeof checksumAlgorithms)[number]; value: string } | undefined;
  log: TaskLog;
}

/**
 * Fetches a file. It appears under its name only when it is complete and its checksum is right; an existing
 * file is kept: it counts where the checksum proves it, and is an error otherwise.
 */
export async function download(job: Download): Promise<void> {
  if (existsSync(job.path)) return acceptExisting(job);
  const temporary = `${job.path}.${process.pid}.tmp`;
  await mkdir(dirname(job.path), { recursive: true });
  job.log(`downloading ${job.url} to ${job.shownPath}`);
  try {
    const found = await fetchTo(job, temporary);
    if (job.checksum !== undefined) {
      job.log("calculating checksum...");
      if (found !== job.checksum.value) {
        throw new Error(`checksum mismatch: got '${found}' != expect '${job.checksum.value}'`);
      }
      job.log("OK, checksum verified");
    }
    await rename(temporary, job.path);
    await syncFolder(dirname(job.path));
    job.log(`download of '${job.url}' to '${job.shownPath}' finished`);
  } finally {
    await rm(temporary, { force: true });
  }
}

async function acceptExisting(job: Download): Promise<void> {
  if (job.checksum === undefined) throw new Error(`refusing to override existing file '${job.shownPath}'`);
  const hash = createHash(job.checksum.algorithm);
  for await (const chunk of createReadStream(job.path)) hash.update(chunk);
  const found = hash.digest("hex");
  if (found !== job.checksum.value) {
    job.log(`mismatch (got '${found}' != expect '${job.checksum.value}'), aborting!`);
    throw new Error(`refusing to override existing file '${job.shownPath}'`);
  }
  job.log("OK, got correct file already, no need to download");
}

/** Returns the checksum of what was fetched. */
async function fetchTo(job: Download, path: string): Promise<string> {
  const ca = job.caFile === undefined ? undefined : [...rootCertificates, await readFile(job.caFile, "utf8")];
  const agent = new Agent({
    connect: { rejectUnauthorized: job.verifyCertificates, ...(ca === undefined ? {} : { ca }) },
  });
  try {
    const dispatcher = agent.compose(interceptors.redirect({ maxRedirections: 5 }));
    const { statusCode, body } = await request(job.url, { dispatcher });
    if (statusCode !== 200) {
      await body.dump();
      throw new Error(`download failed: ${job.url} answered ${statusCode}`);
    }
    const hash = createHash(job.checksum?.algorithm ?? "sha256");
    const file = await open(path, "w");
    try {
      for await (const chunk of body) {
        hash.update(chunk);
        await file.write(chunk);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    return hash.digest("hex");
  } finally {
    await agent.close();
  }
}

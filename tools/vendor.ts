import { createHash, randomUUID } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Tool, VendorDownload } from "./catalogue.ts";
import { run, type ToolContext } from "./context.ts";
import { lastLines } from "./errors.ts";
import { withLock } from "./lock.ts";
import { isExecutable } from "./path.ts";

/** Where a vendor's archive is unpacked; the folder's name says which, so its content is trusted. */
export function vendorFolder(vendor: VendorDownload, context: ToolContext): string {
  return join(context.cacheFolder, vendor.bundle, `${vendor.version}-vendor`);
}

/** The tool's file in its unpacked archive, or undefined where it is not unpacked. */
export async function findVendored(tool: Tool, context: ToolContext): Promise<string | undefined> {
  if (tool.vendor === undefined) return undefined;
  const path = join(vendorFolder(tool.vendor, context), tool.executable ?? tool.name);
  return (await isExecutable(path)) ? path : undefined;
}

/**
 * Downloads, verifies and unpacks the vendor's archive. Fails when the vendor does not answer, when the published
 * checksum is missing or differs, or when the archive lacks the tool.
 */
export async function download(tool: Tool, vendor: VendorDownload, context: ToolContext): Promise<string> {
  const folder = vendorFolder(vendor, context);
  return withLock(`${folder}.lock`, async () => {
    const present = await findVendored(tool, context);
    if (present !== undefined) return present;
    const temporary = `${folder}.${randomUUID()}`;
    await mkdir(temporary, { recursive: true });
    try {
      const url = vendor.archiveUrl(context.architecture);
      const archive = join(temporary, "archive.tar.gz");
      await fetchTo(url, archive);
      await verify(archive, await publishedChecksum(vendor, basename(new URL(url).pathname)));
      const content = join(temporary, "content");
      await mkdir(content);
      const unpacked = await run(context, [
        "tar",
        "--extract",
        "--gzip",
        "--no-same-owner",
        "--strip-components=1",
        `--file=${archive}`,
        `--directory=${content}`,
      ]);
      if (!unpacked.ok) throw new Error(`could not unpack ${url}:\n${lastLines(unpacked.output)}`);
      await rm(folder, { recursive: true, force: true });
      await rename(content, folder);
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
    const path = await findVendored(tool, context);
    if (path === undefined) throw new Error(`the archive of ${vendor.bundle} has no ${tool.name}`);
    return path;
  });
}

async function fetchTo(url: string, path: string): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(300_000) });
  if (!response.ok || response.body === null) throw new Error(`${url} answered ${response.status}`);
  await pipeline(Readable.fromWeb(response.body), createWriteStream(path, { flush: true }));
}

async function publishedChecksum(vendor: VendorDownload, fileName: string): Promise<string> {
  const response = await fetch(vendor.checksumsUrl, { signal: AbortSignal.timeout(30_000) });
  if (!response.ok) throw new Error(`${vendor.checksumsUrl} answered ${response.status}`);
  for (const line of (await response.text()).split("\n")) {
    const [checksum, name] = line.trim().split(/\s+\*?/);
    if (name === fileName && checksum !== undefined && /^[0-9a-f]{64}$/.test(checksum)) return checksum;
  }
  throw new Error(`${vendor.checksumsUrl} has no checksum of ${fileName}`);
}

async function verify(path: string, expected: string): Promise<void> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  const actual = hash.digest("hex");
  if (actual !== expected)
    throw new Error(`the download's checksum is ${actual}, the vendor published ${expected}`);
}

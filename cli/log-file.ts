import { createReadStream } from "node:fs";
import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { exitCodes, type TextStream, UserError } from "./terminal.ts";

const folder = join(import.meta.dirname, "..", ".lab", "rehearsal", "logs");

/** How {@link showLog} reads. `folder` defaults to this checkout's logs, `stream` to standard output. */
export interface LogOptions {
  lines: number;
  follow: boolean;
  folder?: string;
  stream?: TextStream;
  /** Ends following; without it a follow ends with the process. */
  signal?: AbortSignal;
}

/**
 * Writes the last lines of a service's log and, with `follow`, what is added, also after a rotation or a
 * truncation. An unknown name fails with the names that exist.
 */
export async function showLog(service: string, options: LogOptions): Promise<void> {
  const logs = options.folder ?? folder;
  const stream = options.stream ?? process.stdout;
  const services = await listLogs(logs);
  if (!services.includes(service)) {
    throw new UserError(`no log of a service named "${service}"`, {
      hint:
        services.length === 0
          ? "nothing has run in this checkout yet: start the lab with `./lab up`"
          : `there are logs of ${services.join(", ")}`,
      exitCode: exitCodes.usage,
    });
  }
  const path = join(logs, `${service}.log`);
  let position = await tail(path, options.lines, stream);
  while (options.follow && options.signal?.aborted !== true) {
    const size = (await stat(path).catch(() => undefined))?.size ?? 0;
    if (size < position) position = 0;
    if (size > position) position += await copy(path, position, size, stream);
    else await delay(250, undefined, { signal: options.signal }).catch(() => undefined);
  }
}

/** Names of the services that have written a log, sorted. */
export async function listLogs(logs: string = folder): Promise<string[]> {
  const names = await readdir(logs).catch(() => []);
  return names
    .filter((name) => name.endsWith(".log"))
    .map((name) => name.slice(0, -".log".length))
    .sort();
}

/** Writes the last lines and returns how far the file was read, in bytes. */
async function tail(path: string, lines: number, stream: TextStream): Promise<number> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const start = lines === 0 ? size : await findStart(file, size, lines);
    await copy(path, start, size, stream);
    return size;
  } finally {
    await file.close();
  }
}

/** The byte where the last `lines` lines begin, read backwards in blocks since logs grow large. */
async function findStart(
  file: Awaited<ReturnType<typeof open>>,
  size: number,
  lines: number,
): Promise<number> {
  const block = Buffer.alloc(64 * 1024);
  let found = 0;
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - block.length);
    const { bytesRead } = await file.read(block, 0, end - start, start);
    for (let index = bytesRead - 1; index >= 0; index--) {
      const position = start + index;
      if (block[index] !== 0x0a || position === size - 1) continue;
      found += 1;
      if (found === lines) return position + 1;
    }
    end = start;
  }
  return 0;
}

async function copy(path: string, start: number, end: number, stream: TextStream): Promise<number> {
  if (end <= start) return 0;
  let copied = 0;
  const decoder = new TextDecoder();
  for await (const chunk of createReadStream(path, { start, end: end - 1 })) {
    copied += chunk.length;
    stream.write(decoder.decode(chunk, { stream: true }));
  }
  return copied;
}

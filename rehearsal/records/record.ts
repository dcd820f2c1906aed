import { cp, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeFileAtomic } from "../lib/files.ts";
import {
  isAlive,
  type ProcessRecord,
  readProcessRecord,
  startDetached,
  stopProcess,
} from "../lib/process.ts";
import { waitFor } from "../lib/wait.ts";
import type { RecordPlace } from "./delivery.ts";

/** Where a recorded guest answers. */
export interface RecordAddress {
  readonly address: string;
  readonly port: number;
}

/**
 * Starts a guest that is a record: a folder for its files, and an SSH server that takes deliveries into it. Nothing
 * boots. Returns once it listens; fails with the last lines of its log.
 */
export async function startRecord(
  place: RecordPlace,
  { address, port }: RecordAddress,
  userData: string,
): Promise<ProcessRecord> {
  const running = await recordProcess(place);
  if (running !== undefined) throw new Error(`a recorded guest already runs in ${place.folder}`);
  for (const folder of ["root/etc/systemd/system", "bin"])
    await mkdir(join(place.folder, folder), { recursive: true, mode: 0o700 });
  await cp(fileURLToPath(new URL("./bin", import.meta.url)), join(place.folder, "bin"), { recursive: true });
  await writeFileAtomic(join(place.folder, "user-data"), userData, { mode: 0o600 });
  // It says when this run listens, not an earlier one.
  await rm(logOf(place), { force: true });
  const record = await startDetached({
    name: "record",
    argv: [
      process.execPath,
      fileURLToPath(new URL("./main.ts", import.meta.url)),
      ...["--folder", place.folder, "--address", address, "--port", String(port)],
    ],
    log: logOf(place),
    recordPath: recordPath(place),
  });
  try {
    await waitFor(
      async () => {
        if ((await readFile(logOf(place), "utf8").catch(() => "")).includes("listening on ")) return true;
        if (!(await isAlive(record))) throw new Error("it has ended");
        return undefined;
      },
      { what: `the recorded guest at ${address} port ${port} to listen`, timeoutSeconds: 30 },
    );
  } catch (error) {
    const log = await readFile(logOf(place), "utf8").catch(() => "");
    await stopRecord(place);
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${log.trimEnd()}`);
  }
  return record;
}

/** The process of a recorded guest where it runs, also when an earlier program started it. */
export async function recordProcess(place: RecordPlace): Promise<ProcessRecord | undefined> {
  const record = await readProcessRecord(recordPath(place));
  return record !== undefined && (await isAlive(record)) ? record : undefined;
}

/** Ends a recorded guest; its folder stays. */
export async function stopRecord(place: RecordPlace): Promise<void> {
  const record = await recordProcess(place);
  if (record !== undefined) await stopProcess(record, 10);
  await rm(recordPath(place), { force: true });
}

/** Ends a recorded guest and removes its folder. */
export async function deleteRecord(place: RecordPlace): Promise<void> {
  await stopRecord(place);
  await rm(place.folder, { recursive: true, force: true, maxRetries: 3 });
}

/** Ends all recorded guests below a folder; theirs stay. */
export async function stopRecordsUnder(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) await stopRecord({ folder: join(folder, name) });
}

function recordPath({ folder }: RecordPlace): string {
  return join(folder, "process.json");
}

function logOf({ folder }: RecordPlace): string {
  return join(folder, "console.log");
}

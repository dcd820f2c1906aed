import { setTimeout as sleep } from "node:timers/promises";
import { apiPath, type PbsClient } from "./client.ts";
import { PbsError } from "./error.ts";
import { ConnectionError } from "./http.ts";

/** How a task ended that did what it was asked to. */
export interface TaskResult {
  /** The lines of the task's log that say what it warned about; empty when it ended with `OK`. */
  readonly warnings: readonly string[];
}

export interface TaskWait {
  /** Default 600. */
  readonly timeoutSeconds?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const defaultTimeoutSeconds = 600;
const shownLogLines = 15;
const firstPauseMs = 50;
const longestPauseMs = 2000;
// A restart of the server takes seconds, one of its host a minute or two.
const longestOutageMs = 180_000;
const stopMs = 2000;

/** Whether an answer is the id of a task that was started. */
export function isUpid(value: unknown): value is string {
  return typeof value === "string" && value.startsWith("UPID:");
}

/**
 * Waits until a task has ended, also while the server is away for a while. `WARNINGS: n` is a success whose warnings
 * are returned. When the signal aborts, the task is stopped.
 * @throws Error with the last lines of its log when it failed or did not end in time.
 */
export async function awaitTask(client: PbsClient, upid: string, wait: TaskWait = {}): Promise<TaskResult> {
  const timeoutSeconds = wait.timeoutSeconds ?? defaultTimeoutSeconds;
  const deadline = Date.now() + timeoutSeconds * 1000;
  let awaySince: number | undefined;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 1.5, longestPauseMs)) {
    let exit: string | undefined;
    try {
      exit = await exitStatus(client, upid, wait.signal);
      awaySince = undefined;
    } catch (error) {
      if (wait.signal?.aborted) throw await stopTask(client, upid);
      if (isVanished(error)) throw vanished(client, upid);
      awaySince ??= Date.now();
      const passing = error instanceof ConnectionError || (error instanceof PbsError && error.status >= 500);
      if (!passing || Date.now() - awaySince > longestOutageMs || Date.now() >= deadline) throw error;
    }
    if (exit === "OK") return { warnings: [] };
    if (exit?.startsWith("WARNINGS")) return { warnings: await warningsOf(client, upid, wait.signal) };
    if (exit === "unknown") throw interrupted(client, upid);
    if (exit !== undefined) {
      const log = await logTail(client, upid, wait.signal);
      throw new Error(`task ${taskName(upid)} failed: ${exit}\n${log}\n(${upid})`);
    }
    if (Date.now() >= deadline) {
      throw new Error(
        `task ${taskName(upid)} did not end within ${timeoutSeconds} s and goes on at the server; its log so far:\n` +
          `${await logTail(client, upid, wait.signal)}\n(${upid}; raise customTimeouts for longer tasks)`,
      );
    }
    try {
      await sleep(pauseMs, undefined, wait.signal ? { signal: wait.signal } : {});
    } catch {
      throw await stopTask(client, upid);
    }
  }
}

/** Has a task ended that nobody waits for any more, and says what became of it. */
async function stopTask(client: PbsClient, upid: string): Promise<Error> {
  const name = taskName(upid);
  try {
    await client.delete(apiPath`/nodes/localhost/tasks/${upid}`);
    for (const deadline = Date.now() + stopMs; Date.now() < deadline; await sleep(firstPauseMs)) {
      const exit = await exitStatus(client, upid);
      if (exit !== undefined)
        return new Error(`cancelled; task ${name} ended at the server: ${exit} (${upid})`);
    }
    return new Error(`cancelled; task ${name} was told to stop, but still runs at the server (${upid})`);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return new Error(
      `cancelled; task ${name} could not be stopped and goes on at the server: ${why} (${upid})`,
    );
  }
}

function isVanished(error: unknown): boolean {
  return (
    error instanceof PbsError &&
    error.status < 500 &&
    /no such (task|file)|unable to open/i.test(error.reason)
  );
}

function vanished(client: PbsClient, upid: string): Error {
  return new Error(
    `${client.url} does not know task ${taskName(upid)} any more, so how it ended is not known: ` +
      `run \`pulumi refresh\` to see what it has done, then \`pulumi up\` (${upid})`,
  );
}

/** What the server says of a task whose process went away with the server's own. */
function interrupted(client: PbsClient, upid: string): Error {
  return new Error(
    `task ${taskName(upid)} was cut off when ${client.url} restarted, so how far it came is not known: ` +
      `run \`pulumi refresh\` to see what it has done, then \`pulumi up\` (${upid})`,
  );
}

async function exitStatus(
  client: PbsClient,
  upid: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const { data } = await client.get(apiPath`/nodes/localhost/tasks/${upid}/status`, {}, signal);
  const { status, exitstatus } = data as { status: string; exitstatus?: string };
  return status === "stopped" ? (exitstatus ?? "unknown") : undefined;
}

async function logLines(
  client: PbsClient,
  upid: string,
  count: number,
  signal?: AbortSignal,
): Promise<string[]> {
  const path = apiPath`/nodes/localhost/tasks/${upid}/log`;
  const { total = 0 } = await client.get(path, { limit: 1 }, signal);
  const { data } = await client.get(path, { start: Math.max(0, total - count), limit: count }, signal);
  return (data as { t: string }[]).map((line) => line.t);
}

async function logTail(client: PbsClient, upid: string, signal?: AbortSignal): Promise<string> {
  // The log only explains an error that is thrown anyway: failing to read it must not hide that one.
  const lines = await logLines(client, upid, shownLogLines, signal).catch((error: Error) => [
    `(its log cannot be read: ${error.message})`,
  ]);
  return lines.map((line) => `  ${line}`).join("\n");
}

async function warningsOf(client: PbsClient, upid: string, signal?: AbortSignal): Promise<string[]> {
  const lines = await logLines(client, upid, 1000, signal);
  return lines.filter((line) => /\bWARN(ING)?:/i.test(line) && !/^TASK WARNINGS/.test(line));
}

/** `UPID:node:pid:pstart:task:start:type:id:auth:` → `type id`. */
function taskName(upid: string): string {
  const parts = upid.split(":");
  const id = (parts[7] ?? "").replace(/\\x([0-9a-f]{2})/g, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
  return [parts[6], id].filter(Boolean).join(" ");
}

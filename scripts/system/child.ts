import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { messageOf } from "../exit-codes.ts";

/** One program of a pipeline. */
export interface Stage {
  file: string;
  /** What failures call it. Default: the file's name. */
  name?: string;
  args: readonly string[];
  /** Complete environment. */
  env: Readonly<Record<string, string>>;
}

/** How a pipeline is connected at its ends. */
export interface PipelineOptions {
  /** File descriptor that the first program reads. Default: nothing to read. */
  inputFd?: number;
  /** Text that the first program reads, instead of a file. */
  input?: string;
  /** Takes the last program's standard output. Default: thrown away. */
  consume?: (output: Readable) => Promise<void>;
  /** File descriptor that the last program writes, instead. */
  outputFd?: number;
  /** The last program may stop reading early: then the ends of the ones before it do not count. Default false. */
  readsOnlyTheStart?: boolean;
  /** Gets what the last program writes to standard error, all of it, where a failure's message holds the end only. */
  onError?: (text: string) => void;
  signal: AbortSignal;
}

/** A program of a pipeline did not end well. */
export class ChildError extends Error {
  /** Exit code of the first one that failed; `null` where it could not start or was ended by a signal. */
  readonly code: number | null;

  constructor(message: string, code: number | null) {
    super(message);
    this.name = "ChildError";
    this.code = code;
  }
}

/** How one program ended. */
interface End {
  stage: Stage;
  code: number | null;
  signal: NodeJS.Signals | null;
  error: Error | undefined;
  stderr: string;
}

const stderrLimit = 4096;

/**
 * Runs programs connected by the system's own pipes and waits for all of them. Fails when any could not start,
 * ended with another code than 0 or by a signal, or when its output could not be consumed; the message holds
 * the last lines that each failed program wrote to standard error.
 */
export async function runPipeline(stages: readonly Stage[], options: PipelineOptions): Promise<void> {
  options.signal.throwIfAborted();
  // Started from the last to the first, so that each writes straight into the next without passing through here.
  // That needs the next one's pipe as standard output, which is why this is spawn and nothing above it.
  let downstream: ChildProcess | undefined;
  const started: ChildProcess[] = [];
  const ends: Promise<End>[] = [];
  let output: Promise<void> = Promise.resolve();
  for (let index = stages.length - 1; index >= 0; index--) {
    const stage = stages[index];
    if (stage === undefined) continue;
    const input = index > 0 || options.input !== undefined ? "pipe" : (options.inputFd ?? "ignore");
    const end = options.consume === undefined ? (options.outputFd ?? "ignore") : "pipe";
    const sink = downstream?.stdin ?? end;
    const child = start(stage, { stdio: [input, sink, "pipe"], signal: options.signal }, started);
    downstream?.stdin?.destroy();
    if (downstream === undefined && options.consume !== undefined && child.stdout !== null) {
      const { stdout } = child;
      output = options.consume(stdout);
      output.catch(() => {
        child.kill();
        // Whatever still writes into it, such as a program's own child, ends by that.
        stdout.destroy();
      });
    }
    ends.unshift(endOf(child, stage, downstream === undefined ? options.onError : undefined));
    downstream = child;
  }
  if (options.input !== undefined) {
    // A program that does not read to the end fails by itself, or has reason not to.
    downstream?.stdin?.on("error", () => undefined);
    downstream?.stdin?.end(options.input);
  }
  const [consumed, ...finished] = await Promise.all([settle(output), ...ends]);
  options.signal.throwIfAborted();
  const relevant = options.readsOnlyTheStart === true ? finished.slice(-1) : finished;
  const failed = relevant.filter((end) => end.error !== undefined || end.code !== 0);
  if (consumed !== undefined) throw consumed;
  if (failed.length > 0) throw new ChildError(failed.map(describe).join("; "), failed[0]?.code ?? null);
}

/** Some of what keeps a program from being started, such as arguments that are too long, is thrown at once. */
function start(stage: Stage, options: SpawnOptions, before: ChildProcess[]): ChildProcess {
  try {
    const child = spawn(stage.file, stage.args, { ...options, env: { ...stage.env } });
    before.push(child);
    return child;
  } catch (error) {
    // They wait for an input that never comes.
    for (const child of before) child.once("error", () => undefined).kill();
    throw new ChildError(`${nameOf(stage)} cannot run: ${messageOf(error)}`, null);
  }
}

/** Runs one program and returns what it wrote to standard output. Fails like {@link runPipeline}. */
export async function readOutput(
  stages: readonly Stage[],
  options: Omit<PipelineOptions, "consume" | "outputFd">,
): Promise<string> {
  const chunks: Buffer[] = [];
  const consume = async (output: Readable) => {
    for await (const chunk of output) chunks.push(Buffer.from(chunk));
  };
  await runPipeline(stages, { ...options, consume });
  return Buffer.concat(chunks).toString("utf8");
}

function endOf(child: ChildProcess, stage: Stage, onError?: (text: string) => void): Promise<End> {
  let stderr = "";
  child.stderr?.setEncoding("utf8");
  child.stderr?.on("data", (text: string) => {
    stderr = (stderr + text).slice(-stderrLimit);
    onError?.(text);
  });
  return new Promise((resolve) => {
    let error: Error | undefined;
    child.once("error", (cause) => {
      error = cause;
      if (child.pid === undefined) resolve({ stage, code: null, signal: null, error, stderr });
    });
    child.once("close", (code, signal) => resolve({ stage, code, signal, error, stderr }));
  });
}

async function settle(promise: Promise<void>): Promise<unknown> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    return error;
  }
}

function describe(end: End): string {
  const name = nameOf(end.stage);
  const how =
    end.error !== undefined
      ? `cannot run: ${end.error.message}`
      : end.signal !== null
        ? `was ended by ${end.signal}`
        : `ended with code ${end.code}`;
  const lines = redact(end.stderr).trim().split("\n").slice(-5).join(" | ");
  return lines === "" ? `${name} ${how}` : `${name} ${how}: ${lines}`;
}

function nameOf({ name, file }: Stage): string {
  return name ?? file.slice(file.lastIndexOf("/") + 1);
}

/** Takes passwords out of a program's messages (connection strings, URLs, SQL). */
export function redact(text: string): string {
  return (
    text
      // Of a statement that failed no more than what it was about: user mappings and subscriptions hold passwords.
      .replaceAll(/^(Command was: (?:\S+ ?){1,4})[\s\S]*?(?=^pg_\w+: |$(?![\s\S]))/gm, "$1…\n")
      .replaceAll(/(password\s+)'(?:[^']|'')*'/gi, "$1***")
      .replaceAll(/(password\s*=\s*)('(?:[^'\\]|\\.)*'|\S+)/gi, "$1***")
      .replaceAll(/(:\/\/[^:/@\s]+:)[^@\s]+@/g, "$1***@")
  );
}

import child, { type ChildProcess } from "node:child_process";
import { appendFileSync, readFileSync } from "node:fs";
import promises, { type FileHandle } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import { syncBuiltinESMExports } from "node:module";
import { basename } from "node:path";
import {
  type Call,
  type CallType,
  fateHeader,
  idOf,
  type ModuleRange,
  type Order,
  orderVariable,
} from "./kinds.ts";

// Loaded into the program before its own code, so that the functions which that imports are already these.

type Anything = (...args: unknown[]) => unknown;

const order = JSON.parse(process.env[orderVariable] ?? "{}") as Order;
delete process.env[orderVariable];
const modules = JSON.parse(readFileSync(order.modules, "utf8")) as ModuleRange[];
const append = appendFileSync;
const recorded = new Set<string>();
let fired = false;
let down = false;

/** All calls of pgBackRest go through these: who asks for one is what tells it from the others. */
const onBehalf = /^scripts\/wal\/(?:pgbackrest|info)\.ts$/;

/** The call that is being made, where the program itself makes it. */
function callOf(type: CallType, operation: string): Call | undefined {
  const all = programFrames();
  const frames = all.slice(all.findLastIndex(({ path }) => onBehalf.test(path)) + 1);
  const [first] = frames;
  if (first === undefined) return undefined;
  const from = frames.find(({ path }) => path !== first.path);
  const { at, name } = first;
  return { type, at, from: from?.at ?? "-", caller: name, operation };
}

function programFrames(): { path: string; at: string; name: string }[] {
  const { prepareStackTrace, stackTraceLimit } = Error;
  Error.stackTraceLimit = 100;
  Error.prepareStackTrace = (_error, sites) => sites;
  const { stack } = new Error() as unknown as { stack: NodeJS.CallSite[] };
  Error.prepareStackTrace = prepareStackTrace;
  Error.stackTraceLimit = stackTraceLimit;
  return stack.flatMap((site) => {
    if (!site.getFileName()?.endsWith("/dbkeeper.mjs")) return [];
    const line = site.getLineNumber() ?? 0;
    const module = modules.find(({ firstLine, lastLine }) => firstLine <= line && line <= lastLine);
    if (module === undefined) return [];
    return [
      { path: module.path, at: `${line}:${site.getColumnNumber()}`, name: site.getFunctionName() ?? "" },
    ];
  });
}

/** Writes the call down; tells whether it is the one to fail, which is the first of its kind. */
function isChosen(call: Call): boolean {
  const id = idOf(call);
  if (order.record !== undefined && !recorded.has(id)) {
    recorded.add(id);
    append(order.record, `${JSON.stringify(call)}\n`);
  }
  if (fired || order.fault?.id !== id) return false;
  fired = true;
  if (order.fired !== undefined) append(order.fired, id);
  return true;
}

function die(): never {
  process.kill(process.pid, "SIGKILL");
  // The signal is there before the call returns, but not always before the next statement.
  for (;;);
}

function systemError(code: "EIO" | "ENOSPC", operation: string): Error {
  const text = code === "EIO" ? "i/o error" : "no space left on device";
  return Object.assign(new Error(`${code}: ${text}, ${operation} (injected)`), {
    code,
    errno: -5,
    syscall: operation,
  });
}

/** A call on files: `half` does what a failing or killed call has done by then. */
async function onFiles<T>(
  call: Call | undefined,
  code: "EIO" | "ENOSPC",
  run: () => Promise<T>,
  half: () => Promise<unknown> = async () => undefined,
): Promise<T> {
  if (call === undefined || !isChosen(call)) return await run();
  if (order.fault?.kind === "kill-after") {
    // Also after one that fails by itself, such as a look for what is not there.
    await run().then(die, die);
  }
  await half();
  if (order.fault?.kind === "kill-before") die();
  throw systemError(code, call.operation);
}

/** The kind of thing that a path names: without what differs from run to run, or between databases. */
function kindOf(path: unknown): string {
  const name = typeof path === "string" ? path : path instanceof URL ? path.pathname : "";
  const folder = /^\/proc\//.test(name) ? "/proc/" : "";
  return `${folder}${basename(name)
    .replace(/^\.?\d{8}T\d{6}Z/, "RUN")
    .replaceAll(/\b[0-9a-f]{8,}\b/g, "HEX")
    .replace(/-[A-Za-z0-9]{6}$/, "-XXXXXX")
    .replaceAll(/\d+/g, "N")
    .replace(/^(first|second)\b/, "DATABASE")}`;
}

const changes = new Set(["mkdir", "mkdtemp", "link", "symlink", "copyFile", "cp", "writeFile", "appendFile"]);
const paths = new WeakMap<object, string>();
const files = promises as unknown as Record<string, Anything>;
const original = { ...files };
const nothingToFail = new Set(["constants", "watch", "glob"]);

for (const [name, real] of Object.entries(original)) {
  if (typeof real !== "function" || nothingToFail.has(name)) continue;
  files[name] = (...args) => {
    const [path, second] = args;
    const call = callOf("file", `${name} ${kindOf(path)}`);
    const writes =
      changes.has(name) || (name === "open" && typeof second === "string" && /[wa]/.test(second));
    const half = name === "writeFile" ? () => writeHalf(real, args) : undefined;
    return onFiles(
      call,
      writes ? "ENOSPC" : "EIO",
      async () => {
        const result = await real(...args);
        if (name === "open") paths.set(result as FileHandle, kindOf(path));
        return result;
      },
      half,
    );
  };
}

async function writeHalf(real: Anything, [path, content, ...rest]: unknown[]): Promise<void> {
  const bytes = Buffer.from(content as string | Uint8Array);
  await real(path, bytes.subarray(0, bytes.length >> 1), ...rest);
}

const handle = (await original.open?.("/dev/null", "r")) as FileHandle;
const methods = Object.getPrototypeOf(handle) as Record<string, Anything>;
await handle.close();
const handleMethods = {
  ENOSPC: ["write", "writeFile", "writev", "appendFile", "truncate"],
  EIO: ["read", "readFile", "stat", "sync", "datasync", "chmod", "close"],
} as const;

for (const code of ["ENOSPC", "EIO"] as const) {
  for (const name of handleMethods[code]) {
    const real = methods[name];
    if (real === undefined) continue;
    methods[name] = function (this: FileHandle, ...args) {
      const call = callOf("file", `handle.${name} ${paths.get(this) ?? ""}`);
      const run = async () => await real.apply(this, args);
      const half = async () => {
        if (name === "writeFile" || name === "write") await real.apply(this, halfOf(args));
        // Whatever it answers, the file is closed.
        if (name === "close") await run();
      };
      return onFiles(call, code, run, half);
    };
  }
}

/** The arguments of a write, for the first half of it. */
function halfOf([content, offset, length, ...rest]: unknown[]): unknown[] {
  if (typeof length === "number") return [content, offset, length >> 1, ...rest];
  const bytes = Buffer.from(content as string | Uint8Array);
  return [bytes.subarray(0, bytes.length >> 1)];
}

const realStream = methods.createReadStream;
methods.createReadStream = function (this: FileHandle, ...args) {
  const call = callOf("file", `handle.createReadStream ${paths.get(this) ?? ""}`);
  const stream = realStream?.apply(this, args) as NodeJS.ReadableStream & { destroy(error: Error): void };
  if (call === undefined || !isChosen(call)) return stream;
  if (order.fault?.kind === "kill-before") die();
  const end = () =>
    order.fault?.kind === "error" ? stream.destroy(systemError("EIO", call.operation)) : die();
  if (order.fault?.kind === "error") setImmediate(end);
  else stream.once("end", end);
  return stream;
};

const processes = child as unknown as { spawn: Anything };
const realSpawn = processes.spawn;
// Half of what the program would have written, as far as that goes to standard output.
const halfOfOutput = 'f=$(mktemp); "$0" "$@" >"$f"; head -c $(($(stat -c %s "$f") / 2)) "$f"; rm "$f"';
processes.spawn = (...args) => {
  const [file, argv, options] = args as [string, string[], object];
  const verb = argv.find((word) =>
    /^(--(version|list|globals-only|roles-only|file=)|-d$|[a-z][a-z-]+$)/.test(word),
  );
  const call = callOf("child", `spawn ${basename(file)} ${verb?.replace(/=.*/, "") ?? ""}`);
  if (call === undefined || !isChosen(call)) return realSpawn(...args);
  const inShell = (script: string) =>
    realSpawn("/bin/sh", ["-c", script, file, ...argv], options) as ChildProcess;
  switch (order.fault?.kind) {
    case "exit-1":
      return inShell("echo injected >&2; exit 1");
    case "killed":
      return inShell(`${halfOfOutput}; kill -9 $$`);
    case "half":
      return inShell(halfOfOutput);
    case "kill-before":
      return die();
    default:
      realSpawn(...args);
      return die();
  }
};

for (const library of [http, https] as unknown as { request: Anything }[]) {
  const realRequest = library.request;
  library.request = (...args) => {
    const [options, ...rest] = args as [{ method?: string; path?: string; headers?: object }];
    if (down)
      return realRequest(
        { ...options, headers: { ...options.headers, [fateHeader]: "cut-before" } },
        ...rest,
      );
    const query = new URL(options.path ?? "/", "http://s3").searchParams;
    const what = query.get("x-id") ?? [...query.keys()].sort().join(",");
    const call = callOf("request", `${options.method} ${what}`);
    if (call === undefined || !isChosen(call)) return realRequest(...args);
    const kind = order.fault?.kind;
    if (kind === "kill-before") die();
    if (kind === "kill-after") {
      const request = realRequest(...args) as http.ClientRequest;
      request.prependOnceListener("response", die);
      return request;
    }
    if (kind === "down") down = true;
    const fate = kind === "down" ? "cut-before" : kind;
    return realRequest({ ...options, headers: { ...options.headers, [fateHeader]: fate } }, ...rest);
  };
}

syncBuiltinESMExports();

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { SourceMap } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type Call, type FaultKind, idOf, type ModuleRange, type Order, orderVariable } from "./kinds.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** How one run of the program ended. */
export interface Ended {
  /** `null` where it was killed. */
  code: number | null;
  output: string;
  /** The session that it and its children run in. */
  session: number;
}

/** The command line as it is delivered, but for names that can be read, with the injector that is loaded before it. */
export interface Program {
  run(argv: readonly string[], options: RunOptions): Promise<Ended>;
  /** Runs it, and gives each call that it makes once. */
  record(argv: readonly string[], options: RunOptions): Promise<{ ended: Ended; calls: Call[] }>;
  /** Runs it with one call failing; tells also whether the call was made. */
  fail(
    argv: readonly string[],
    options: RunOptions & { call: Call; kind: FaultKind },
  ): Promise<{ ended: Ended; fired: boolean }>;
  /** Where a call stands in the sources, for people. */
  describe(call: Call): string;
}

/** Where a run of the program finds itself. */
export interface RunOptions {
  /** Folder for its temporary files. */
  temporary: string;
  /** What stands before the command, to run it as somebody else. */
  prefix?: readonly string[];
}

/** Builds the program into a folder. */
export async function buildProgram(folder: string): Promise<Program> {
  const bundle = join(folder, "dbkeeper.mjs");
  const injector = join(folder, "injector.mjs");
  const common = {
    absWorkingDir: root,
    bundle: true,
    platform: "node",
    target: "node24",
    format: "esm",
  } as const;
  await Promise.all([
    build({
      ...common,
      entryPoints: ["scripts/main.ts"],
      outfile: bundle,
      sourcemap: "external",
      sourcesContent: false,
      external: ["pg-native"],
      keepNames: true,
      banner: {
        js: 'import { createRequire as createRequireOfBundle } from "node:module";\nconst require = createRequireOfBundle(import.meta.url);',
      },
      logLevel: "silent",
    }),
    build({ ...common, entryPoints: [join(import.meta.dirname, "injector.ts")], outfile: injector }),
  ]);
  const modules = join(folder, "modules.json");
  await writeFile(modules, JSON.stringify(rangesIn(await readFile(bundle, "utf8"))));
  const map = new SourceMap(JSON.parse(await readFile(`${bundle}.map`, "utf8")));
  const locate = (at: string) => {
    const [line = 0, column = 0] = at.split(":").map(Number);
    const entry = map.findEntry(line - 1, column - 1);
    if (!("originalSource" in entry)) return at;
    return `${entry.originalSource.replace(/^.*?scripts\//, "scripts/")}:${entry.originalLine + 1}`;
  };
  let count = 0;

  const start = (
    argv: readonly string[],
    { temporary, prefix = [] }: RunOptions,
    order?: Omit<Order, "modules">,
  ) => {
    const loading = order === undefined ? [] : ["--import", injector];
    const command = [...prefix, process.execPath, ...loading, bundle, ...argv, "--json"];
    return inSession(command, {
      PATH: process.env.PATH ?? "",
      TMPDIR: temporary,
      NODE_COMPILE_CACHE: join(folder, "compiled"),
      ...(order === undefined ? {} : { [orderVariable]: JSON.stringify({ ...order, modules }) }),
    });
  };
  const file = () => join(folder, `told-${++count}`);
  return {
    run: (argv, options) => start(argv, options),
    async record(argv, options) {
      const record = file();
      const ended = await start(argv, options, { record });
      const lines = (await readFile(record, "utf8")).trim().split("\n");
      return { ended, calls: lines.map((line) => JSON.parse(line) as Call) };
    },
    async fail(argv, { call, kind, ...options }) {
      const fired = file();
      const ended = await start(argv, options, { fault: { id: idOf(call), kind }, fired });
      const hasFired = existsSync(fired);
      await rm(fired, { force: true });
      return { ended, fired: hasFired };
    },
    describe: ({ at, from, caller, operation }) =>
      `${locate(at)} ${caller}: ${operation.trim()}${from === "-" ? "" : ` (from ${locate(from)})`}`,
  };
}

/** Where the program's own modules lie in the bundle: each begins with its path in a comment. */
function rangesIn(bundle: string): ModuleRange[] {
  const ranges: ModuleRange[] = [];
  let path: string | undefined;
  let firstLine = 0;
  const lines = bundle.split("\n");
  for (const [index, line] of lines.entries()) {
    const begun = /^ {0,4}\/\/ (\S+\/\S+\.\w+)$/.exec(line)?.[1];
    if (begun === undefined) continue;
    if (path?.startsWith("scripts/")) ranges.push({ path, firstLine, lastLine: index });
    path = begun;
    firstLine = index + 1;
  }
  if (path?.startsWith("scripts/")) ranges.push({ path, firstLine, lastLine: lines.length });
  return ranges;
}

/** Runs a command in a session of its own, by which what it leaves running is found. */
async function inSession([file = "", ...args]: string[], env: Record<string, string>): Promise<Ended> {
  const process = spawn(file, args, { detached: true, env, cwd: "/", stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [process.stdout, process.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const hung = setTimeout(() => process.kill("SIGKILL"), 180_000);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      process.once("error", reject);
      process.once("close", resolve);
    });
    return { code, output, session: process.pid ?? 0 };
  } finally {
    clearTimeout(hung);
  }
}

/** Processes of these sessions that still run. */
export async function processesOf(sessions: readonly number[]): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    const [state, , , session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (state === "Z" || !sessions.includes(Number(session))) continue;
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    found.push(command.replaceAll("\0", " ").trim());
  }
  return found;
}

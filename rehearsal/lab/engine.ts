import { type ChildProcess, spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { cacheRoot } from "../../tools/context.ts";
import { findTool } from "../../tools/find.ts";
import { lockedError, stackLocks } from "./stack-lock.ts";

/** Where an engine run keeps its state and what it may see. */
export interface EngineOptions {
  /** Where the project file is. */
  readonly root: string;
  /** Folder of the file backend. */
  readonly backend: string;
  readonly passphrase: string;
  readonly stack: string;
  /** PEM of the authority that signed the simulated APIs' certificates. */
  readonly caPath?: string;
  /** The program that serves providers in place of plugins, or none. Default: the stand-ins of the rehearsal. */
  readonly standIns?: string | false;
  /** Told of each engine process, so that one that outlives its command can be found. */
  readonly onStart?: (pid: number | undefined) => Promise<void>;
}

export interface Engine {
  /** The environment of the engine, for example to hand over to a shell. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs pulumi and gives its standard output; fails with what it said, or with who works on the stack. */
  run(args: readonly string[], options?: { readonly input?: string }): Promise<string>;
  /** Runs pulumi on this terminal; gives its exit code. */
  attach(args: readonly string[]): Promise<number>;
}

/** The engine said no. The message is what it diagnosed, without the progress before it. */
export class EngineError extends Error {
  readonly hint = "what was done stays done: mend the cause and run the command again";
  readonly exitCode = 1;

  constructor(command: string, stdout: string, stderr: string) {
    const diagnostics = stdout.slice(Math.max(0, stdout.indexOf("Diagnostics:"))).trim();
    super(
      `pulumi ${command} failed\n${[diagnostics, stderr.trim()].filter((text) => text !== "").join("\n")}`,
    );
    this.name = "EngineError";
  }
}

/** The ports of the stand-in providers, by package. */
type StandIns = Readonly<Record<string, number>>;

/** Runs `use` with the real engine, its own state and the stand-in providers, which live as long as it does. */
export async function withEngine<T>(options: EngineOptions, use: (engine: Engine) => Promise<T>): Promise<T> {
  if (options.standIns === false) return use(await engineFor(options, {}));
  const standIns = await startStandIns(options);
  try {
    return await use(await engineFor(options, standIns.ports));
  } finally {
    standIns.process.kill("SIGTERM");
  }
}

/** The engine for what needs no provider: reading the state, configuration. */
export function bareEngine(options: EngineOptions): Promise<Engine> {
  return engineFor(options, {});
}

/** @throws Error naming the missing tool where pulumi is not there. */
async function engineFor(options: EngineOptions, ports: StandIns): Promise<Engine> {
  const [pulumi, language] = await Promise.all([findTool("pulumi"), findTool("pulumi-language-nodejs")]);
  if (!pulumi || !language) throw new Error("pulumi is not installed: `./lab doctor` says how to get it");
  const env = environment(options, [dirname(pulumi.path), dirname(language.path)], ports);
  await mkdir(options.backend, { recursive: true });
  return engineOf(pulumi.path, options, env);
}

function engineOf(
  pulumi: string,
  { root, backend, stack, onStart }: EngineOptions,
  env: Record<string, string>,
): Engine {
  return {
    env,
    async run(args, { input } = {}) {
      const running = execa(pulumi, ["--non-interactive", ...args], {
        cwd: root,
        env,
        extendEnv: false,
        reject: false,
        ...(input === undefined ? { stdin: "ignore" as const } : { input }),
      });
      await onStart?.(running.pid);
      const { exitCode, stdout, stderr } = await running;
      if (exitCode === 0) return stdout;
      if (stderr.includes("the stack is currently locked")) {
        const locks = await stackLocks(backend, stack);
        if (locks.length > 0) throw lockedError(locks);
      }
      throw new EngineError(args[0] ?? "", stdout, stderr);
    },
    async attach(args) {
      const running = execa(pulumi, [...args], {
        cwd: root,
        env,
        extendEnv: false,
        stdio: "inherit",
        reject: false,
      });
      await onStart?.(running.pid);
      const { exitCode } = await running;
      return exitCode ?? 1;
    },
  };
}

function environment(
  { backend, passphrase, caPath, stack }: EngineOptions,
  toolFolders: readonly string[],
  ports: StandIns,
): Record<string, string> {
  const { HOME = "/root", TERM = "dumb", LANG = "C.UTF-8", PATH = "" } = process.env;
  return {
    HOME,
    TERM,
    LANG,
    ...(process.env.NO_COLOR === undefined ? {} : { NO_COLOR: process.env.NO_COLOR }),
    // Plugins and the program need this Node, not the system's.
    PATH: [...new Set([...toolFolders, dirname(process.execPath)]), PATH].join(":"),
    PULUMI_HOME: join(backend, "..", "pulumi-home"),
    PULUMI_BACKEND_URL: `file://${backend}`,
    PULUMI_CONFIG_PASSPHRASE: passphrase,
    PULUMI_STACK: stack,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    PULUMI_ERROR_OUTPUT_STRING: "true",
    // The program, its providers and the stand-ins load thousands of files, each time the same.
    NODE_COMPILE_CACHE: compiledFolder(),
    PULUMI_DEBUG_PROVIDERS: Object.entries(ports)
      .map(([name, port]) => `${name}:${port}`)
      .join(","),
    ...(caPath === undefined ? {} : { NODE_EXTRA_CA_CERTS: caPath, SSL_CERT_FILE: caPath }),
  };
}

function compiledFolder(): string {
  return join(cacheRoot(), "compiled");
}

async function startStandIns(options: EngineOptions): Promise<{ process: ChildProcess; ports: StandIns }> {
  const main = options.standIns || fileURLToPath(new URL("../providers/main.ts", import.meta.url));
  const child = spawn(process.execPath, [main], {
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      ...process.env,
      NODE_COMPILE_CACHE: compiledFolder(),
      ...(options.caPath === undefined ? {} : { NODE_EXTRA_CA_CERTS: options.caPath }),
    },
  });
  const ports = await new Promise<StandIns>((resolve, reject) => {
    createInterface({ input: child.stdout }).once("line", (line) => resolve(JSON.parse(line)));
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the stand-in providers ended with code ${code}`)));
  });
  return { process: child, ports };
}

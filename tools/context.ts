import { homedir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { catalogue, type Tool } from "./catalogue.ts";

/** What ensuring a tool says about itself while it goes on. */
export interface ToolProgress {
  tool: string;
  /** What happens right now, such as "building from its Go module". */
  step: string;
  elapsedSeconds: number;
}

/** Everything the finder touches outside this folder, so that tests can stand in for it. */
export interface ToolContext {
  catalogue: Readonly<Record<string, Tool>>;
  /** PATH and the cache's place come from here; commands run in it. */
  env: NodeJS.ProcessEnv;
  cacheFolder: string;
  /** Searched after PATH: administrators' folders that a user's PATH may lack. */
  systemFolders: readonly string[];
  /** 0 is root. */
  userId: number;
  architecture: string;
  /** Whether the vendor's host answers now. */
  reachable: (url: string) => Promise<boolean>;
  /** Debian's switch for starting services on installation. */
  policyFile: string;
  aptListsFolder: string;
  onProgress: (progress: ToolProgress) => void;
}

/** The context of this machine. */
export function machineContext(overrides: Partial<ToolContext> = {}): ToolContext {
  const env = overrides.env ?? process.env;
  return {
    catalogue,
    env,
    cacheFolder: join(cacheRoot(env), "tools"),
    systemFolders: ["/usr/local/sbin", "/usr/sbin", "/sbin"],
    userId: process.getuid?.() ?? -1,
    architecture: process.arch,
    reachable: answersQuickly,
    policyFile: "/usr/sbin/policy-rc.d",
    aptListsFolder: "/var/lib/apt/lists",
    onProgress: () => {},
    ...overrides,
  };
}

/** The cache that all checkouts of a user share: `$XDG_CACHE_HOME/astronomy-lab`, default below ~/.cache. */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  const base = env.XDG_CACHE_HOME;
  return join(base?.startsWith("/") ? base : join(env.HOME ?? homedir(), ".cache"), "astronomy-lab");
}

/** A program and its arguments. */
export type Command = readonly [string, ...string[]];

/** How a command ended; it never throws for a failing command. */
export interface CommandResult {
  ok: boolean;
  /** Both streams, interleaved, or why it could not start. */
  output: string;
}

/** Runs a command of `context.env`'s PATH to its end. */
export async function run(
  context: ToolContext,
  command: Command,
  options: { cwd?: string; env?: NodeJS.ProcessEnv; timeoutSeconds?: number } = {},
): Promise<CommandResult> {
  const [file, ...args] = command;
  const result = await execa(file, args, {
    env: { ...context.env, ...options.env },
    extendEnv: false,
    reject: false,
    all: true,
    stdin: "ignore",
    timeout: (options.timeoutSeconds ?? 900) * 1000,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const output = result.all ?? "";
  return {
    ok: !result.failed,
    output: result.failed && output === "" ? (result.shortMessage ?? "") : output,
  };
}

const probes = new Map<string, Promise<boolean>>();

/** One short request a host and process, so that being offline costs the wait once, not once a tool. */
function answersQuickly(url: string): Promise<boolean> {
  const { origin } = new URL(url);
  const known = probes.get(origin);
  if (known !== undefined) return known;
  const probe = fetch(origin, {
    method: "HEAD",
    redirect: "manual",
    signal: AbortSignal.timeout(2_000),
  }).then(
    () => true,
    () => false,
  );
  probes.set(origin, probe);
  return probe;
}

import type { Context } from "../context.ts";
import { messageOf } from "../exit-codes.ts";
import { connect, type Session } from "../postgres/session.ts";
import { redact } from "../system/child.ts";
import {
  type DatabaseProbe,
  probeBuffers,
  probeConnections,
  probeLocks,
  probeReplication,
  probeServer,
} from "./database.ts";
import { type HostProbe, probeDisk, probeDumps, probeFolders, probeMemory } from "./host.ts";
import { type State, states, type Verdict } from "./judge.ts";

const databaseProbes: Readonly<Record<string, DatabaseProbe>> = {
  server: probeServer,
  connections: probeConnections,
  replication: probeReplication,
  locks: probeLocks,
  buffers: probeBuffers,
};

const hostProbes: Readonly<Record<string, HostProbe>> = {
  disk: probeDisk,
  memory: probeMemory,
  dumps: probeDumps,
  folders: probeFolders,
};

/** Names of all components, in the order in which they are shown. */
export const components: readonly string[] = [...Object.keys(databaseProbes), ...Object.keys(hostProbes)];

/**
 * What is asked. `live`: the server answers at all. `ready`: it can take more work, as far as it and its place in
 * replication go. `overall`: everything, also what endangers only tomorrow.
 */
export const scopes: Readonly<Record<"live" | "ready" | "overall", readonly string[]>> = {
  live: ["server"],
  ready: ["server", "connections", "replication"],
  overall: components,
};

/** What `dbkeeper health --json` prints and the server answers. A stable interface. */
export interface Health {
  cluster: string;
  checkedAt: string;
  /** The worst of the components. */
  state: State;
  components: Record<string, Verdict & { durationSeconds: number }>;
}

/** Asks the named components, all at once, each until the configured deadline; a component that fails is failing. */
export async function checkHealth(context: Context, names: readonly string[]): Promise<Health> {
  const { config, now } = context;
  const { deadlineSeconds } = config.health;
  const needsServer = names.some((name) => name in databaseProbes);
  const session = needsServer
    ? connect(config.cluster, config.cluster.maintenanceDatabase, deadlineSeconds)
    : undefined;
  // Whoever needs it says that it failed.
  session?.catch(() => undefined);
  try {
    const found = await Promise.all(
      names.map(
        async (name) => [name, await timed(() => probe(context, name, session), deadlineSeconds)] as const,
      ),
    );
    const state =
      states[Math.max(0, ...found.map(([, verdict]) => states.indexOf(verdict.state)))] ?? "failing";
    return {
      cluster: config.cluster.name,
      checkedAt: now().toISOString(),
      state,
      components: Object.fromEntries(found),
    };
  } finally {
    // A server that hangs would keep the answer waiting: its connection is broken off behind it.
    void session?.then((open) => open.close()).catch(() => undefined);
  }
}

async function probe(
  context: Context,
  name: string,
  session: Promise<Session> | undefined,
): Promise<Verdict> {
  const onHost = hostProbes[name];
  if (onHost !== undefined) return await onHost(context);
  const onServer = databaseProbes[name];
  if (onServer === undefined || session === undefined) throw new Error(`there is no component ${name}`);
  return await onServer(await session, context.config.health);
}

async function timed(
  work: () => Promise<Verdict>,
  deadlineSeconds: number,
): Promise<Verdict & { durationSeconds: number }> {
  const startedAt = performance.now();
  const verdict = await withDeadline(work(), deadlineSeconds).catch(
    (error: unknown): Verdict => ({ state: "failing", detail: redact(messageOf(error)) }),
  );
  return { ...verdict, durationSeconds: Math.round(performance.now() - startedAt) / 1000 };
}

/** Fails when the work takes longer; the work itself goes on and its end is ignored. */
export async function withDeadline<T>(work: Promise<T>, deadlineSeconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`no answer within ${deadlineSeconds} s`)),
      deadlineSeconds * 1000,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The result as lines for people. */
export function formatHealth({ cluster, state, components: found }: Health): string {
  const rows = Object.entries(found).map(
    ([name, verdict]) => `  ${verdict.state.padEnd(8)} ${name}: ${verdict.detail}`,
  );
  return `${[`${cluster} is ${state}`, ...rows].join("\n")}\n`;
}

import { readdirSync, readFileSync } from "node:fs";
import { z } from "zod";
import type { Connection } from "./inputs.ts";
import { type Payload, type Plan, stateFolder } from "./plan.ts";
import { asRoot, ensureReachable } from "./reach.ts";
import { connect, runCommand } from "./ssh.ts";
import { type TarEntry, tarball } from "./ustar.ts";

const marks = z.object({
  kind: z.string(),
  mode: z.string().optional(),
  owner: z.string().optional(),
  group: z.string().optional(),
  sha256: z.string().nullish(),
});

const factsSchema = z.object({
  exists: z.literal(true),
  files: z.record(z.string(), marks),
  directories: z.record(z.string(), marks),
  /** Those that the plan names and the host has. */
  packages: z.array(z.string()),
  users: z.array(z.string()),
  /** `enabled` is null where a unit has nothing to enable. */
  units: z.record(
    z.string(),
    z.object({ enabled: z.boolean().nullable(), state: z.enum(["started", "stopped"]) }),
  ),
  /** The digests of what the last run installed. */
  recorded: z.record(z.string(), z.string()),
});

const eventSchema = z.union([
  z.object({ event: z.literal("done"), installed: z.record(z.string(), z.string()) }),
  z.object({ event: z.literal("failed"), message: z.string(), lines: z.array(z.string()) }),
  z.object({ event: z.literal("facts"), exists: z.literal(false) }),
  factsSchema.extend({ event: z.literal("facts") }),
]);

export type MarksOnHost = z.output<typeof marks>;
/** What a host says of the things that a delivery names. */
export type HostFacts = z.output<typeof factsSchema>;

export interface RunOptions {
  /** How long a host that does not answer is waited for. */
  readonly waitSeconds: number;
  /** The limit for the whole run; undefined means none. */
  readonly timeoutSeconds: number | undefined;
  readonly signal: AbortSignal;
  /** Units to be stopped again where the host, after the run, takes no new connection. Default: it is not tried. */
  readonly suspects?: readonly string[];
}

/** Applies a plan (mode `apply` or `remove`) and returns path → SHA-256 of what is installed now. */
export async function applyOnHost(
  connection: Connection,
  plan: Plan,
  contents: readonly Payload[],
  options: RunOptions,
): Promise<Record<string, string>> {
  const event = await runOnHost(connection, plan, contents, options);
  if (event.event === "done") return event.installed;
  throw new Error(`${connection.address} answered ${event.event} where an end of the run was expected`);
}

/** Asks a host for the facts on a plan's things; undefined where the delivery does not exist. */
export async function askHost(
  connection: Connection,
  plan: Plan,
  options: RunOptions,
): Promise<HostFacts | undefined> {
  const event = await runOnHost(connection, plan, [], options);
  if (event.event === "facts") return event.exists ? event : undefined;
  throw new Error(`${connection.address} answered ${event.event} where facts were expected`);
}

async function runOnHost(
  connection: Connection,
  plan: Plan,
  contents: readonly Payload[],
  { waitSeconds, timeoutSeconds, signal, suspects = [] }: RunOptions,
) {
  const limit =
    timeoutSeconds === undefined
      ? signal
      : AbortSignal.any([signal, AbortSignal.timeout(timeoutSeconds * 1000)]);
  const client = await connect(connection, waitSeconds, limit);
  try {
    // The plan comes last: where it has arrived, everything has.
    const upload = tarball([
      ...program(),
      ...contents.map(({ name, read }) => ({ name, data: read() })),
      { name: "plan.json", data: Buffer.from(JSON.stringify(plan)) },
    ]);
    const result = await runCommand(client, commandFor(connection.user, plan.name), upload, limit);
    const event = finalEvent(connection.address, result);
    if (suspects.length > 0) await ensureReachable(client, connection, suspects, limit);
    return event;
  } finally {
    client.end();
  }
}

/**
 * Unpacks standard input into a folder of its own and hands over to the program in it. Nothing secret is an argument,
 * and a delivery's name needs no quoting.
 */
function commandFor(user: string, name: string): string {
  const script = [
    "set -e; umask 077",
    "PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; export PATH",
    `t=${stateFolder}/${name}/incoming/$$; rm -rf "$t"`,
    // A run that ends may remove an empty parent in between.
    'mkdir -p "$t" || mkdir -p "$t"',
    'tar -x -f - -C "$t" || { rm -rf "$t"; exit 1; }',
    'exec python3 -I -B "$t/apply" "$t"',
  ].join("; ");
  return asRoot(user, `/bin/sh -c '${script}'`);
}

function program(): TarEntry[] {
  const folder = new URL("./apply/", import.meta.url);
  return readdirSync(folder)
    .filter((file) => file.endsWith(".py"))
    .map((file) => ({ name: `apply/${file}`, data: readFileSync(new URL(file, folder)) }));
}

function finalEvent(address: string, { stdout, stderr, status }: Awaited<ReturnType<typeof runCommand>>) {
  const last = eventSchema.safeParse(parseJson(stdout.trimEnd().split("\n").at(-1) ?? ""));
  if (last.success && last.data.event !== "failed") return last.data;
  if (last.success && last.data.event === "failed") {
    const lines = last.data.lines.map((line) => `\n  ${line}`).join("");
    throw new Error(`${address}: ${last.data.message}${lines}`);
  }
  const ended =
    status === undefined ? "the connection was lost before the end" : `it ended with status ${status}`;
  const said = stderr.trim().slice(-4000);
  throw new Error(`${address}: the delivery did not come to its end: ${said || ended}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

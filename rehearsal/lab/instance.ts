import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { findFreeSubnet } from "../guests/network.ts";
import { readJson, writeJson } from "../lib/files.ts";
import { isAlive, processRecordSchema, startTimeOf, stopProcess } from "../lib/process.ts";
import type { EngineOptions } from "./engine.ts";

/**
 * What guests are: systemd containers on a private bridge, or, without root, records: a folder each, into which
 * deliveries go, on the loopback network.
 */
export const guestKinds = ["containers", "records"] as const;
export type GuestKind = (typeof guestKinds)[number];

const stateSchema = z.strictObject({
  instanceId: z.string(),
  /** The host's address on the guests' network, which is the /24 around it. */
  hostAddress: z.string(),
  guests: z.enum(guestKinds).default("containers"),
});

const secretsSchema = z.strictObject({
  passphrase: z.string(),
  pveToken: z.string(),
  pbsToken: z.string(),
  grafanaToken: z.string(),
  awsAccessKey: z.string(),
  awsSecretKey: z.string(),
});

export type Secrets = z.output<typeof secretsSchema>;

/** The one-machine lab of a checkout: where its state lies and what it is called on this machine. */
export interface Instance {
  readonly root: string;
  /** `.lab/rehearsal` in the checkout. */
  readonly folder: string;
  /** Eight hexadecimal digits, in every name that the machine sees. */
  readonly id: string;
  readonly hostAddress: string;
  readonly guests: GuestKind;
  readonly secrets: Secrets;
}

/** The checkout that this file belongs to. */
export const checkout = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/** Where the state of a checkout's rehearsal lies. */
export function rehearsalFolder(root: string = checkout): string {
  return join(root, ".lab", "rehearsal");
}

/** What must be known of an instance to end it. */
export interface Remains extends Pick<Instance, "root" | "folder" | "id"> {
  /** Undefined where nothing says which. */
  readonly guests: GuestKind | undefined;
}

/** A file in which the lab remembers itself was damaged, for example by a full disk or by hand. */
export class BrokenStateError extends Error {
  readonly hint =
    "`./lab down --purge` ends what runs and forgets the rest; `./lab up` then builds the lab anew";
  readonly exitCode = 1;
}

/**
 * The instance of a checkout if it was ever made.
 * @throws BrokenStateError naming the file that cannot be used and why
 */
export async function findInstance(root: string = checkout): Promise<Instance | undefined> {
  const folder = rehearsalFolder(root);
  const state = await readState(join(folder, "state.json"), stateSchema);
  const secrets = await readState(join(folder, "secrets.json"), secretsSchema);
  if (state === undefined || secrets === undefined) return undefined;
  const { instanceId, hostAddress, guests } = state;
  return { root, folder, id: instanceId, hostAddress, guests, secrets };
}

/** What there is to be ended, also where the lab's own state is damaged or gone: its id follows from its place. */
export async function findRemains(root: string = checkout): Promise<Remains | undefined> {
  const folder = rehearsalFolder(root);
  try {
    const instance = await findInstance(root);
    if (instance) return instance;
    if (!existsSync(join(folder, "processes"))) return undefined;
  } catch (error) {
    if (!(error instanceof BrokenStateError)) throw error;
  }
  return { root, folder, id: idOf(root), guests: process.getuid?.() === 0 ? undefined : "records" };
}

async function readState<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const broken = (reason: string) => new BrokenStateError(`${path} does not describe this lab: ${reason}`);
  const value = await readJson(path).catch((error: unknown) => {
    throw error instanceof Error && "code" in error ? error : broken("it is not JSON");
  });
  if (value === undefined) return undefined;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  // Never the values: these may be secrets.
  throw broken(parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; "));
}

function idOf(root: string): string {
  return createHash("sha256").update(root).digest("hex").slice(0, 8);
}

/**
 * The instance of a checkout, made on first use: its network, its kind of guests and its secrets are chosen once and
 * remembered.
 */
export async function openInstance(
  root: string = checkout,
  guests: GuestKind = "containers",
): Promise<Instance> {
  const existing = await findInstance(root);
  if (existing) return existing;
  const folder = rehearsalFolder(root);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const instanceId = idOf(root);
  const secret = () => randomBytes(24).toString("hex");
  const secrets: Secrets = {
    passphrase: secret(),
    pveToken: secret(),
    pbsToken: secret(),
    grafanaToken: secret(),
    awsAccessKey: `AKIA${randomBytes(8).toString("hex").toUpperCase()}`,
    awsSecretKey: secret(),
  };
  await writeJson(join(folder, "secrets.json"), secrets, { mode: 0o600 });
  const hostAddress = guests === "containers" ? await findFreeSubnet(instanceId) : loopbackSubnet(instanceId);
  await writeJson(join(folder, "state.json"), { instanceId, hostAddress, guests });
  const made = await findInstance(root);
  if (!made) throw new Error(`${folder} was written but cannot be read`);
  return made;
}

/**
 * A /24 of the loopback network, all of which answers on Linux without anybody's leave.
 *
 * @returns the host's address in it (`.1`)
 */
export function loopbackSubnet(instanceId: string): string {
  const number = Number.parseInt(instanceId, 16) % 16384;
  return `127.${64 + (number >> 8)}.${number & 255}.1`;
}

/** Where and how the engine of the rehearsal runs. */
export function engineOptions(
  { root, folder, secrets }: Instance,
  caPath = join(folder, "tls", "ca.pem"),
): EngineOptions {
  return {
    root,
    backend: join(folder, "pulumi"),
    passphrase: secrets.passphrase,
    stack: "rehearsal",
    caPath,
    onStart: (pid) => rememberEngine(folder, pid),
  };
}

const engineRecordSchema = processRecordSchema.extend({
  /** The command that started it. */
  owner: processRecordSchema.pick({ pid: true, startTimeTicks: true }),
});

function engineRecord(folder: string): string {
  return join(folder, "processes", "engine.json");
}

async function rememberEngine(folder: string, pid: number | undefined): Promise<void> {
  const startTimeTicks = pid === undefined ? undefined : await startTimeOf(pid);
  const ownStartTime = await startTimeOf(process.pid);
  if (pid === undefined || startTimeTicks === undefined || ownStartTime === undefined) return;
  await mkdir(join(folder, "processes"), { recursive: true });
  await writeJson(engineRecord(folder), {
    name: "engine",
    pid,
    startTimeTicks,
    argv: ["pulumi"],
    log: "",
    owner: { pid: process.pid, startTimeTicks: ownStartTime },
  });
}

/** Ends the engine of this lab. It is given the time to record what it did. */
export async function stopEngine({ folder }: Remains): Promise<void> {
  const record = await runningEngine(folder);
  if (record) await stopProcess(record, 30);
}

/** Ends an engine that a killed command left running, but none that somebody is watching. */
export async function stopOrphanedEngine({ folder }: Remains): Promise<void> {
  const record = await runningEngine(folder);
  if (record && !(await isAlive(record.owner))) await stopProcess(record, 30);
}

async function runningEngine(folder: string): Promise<z.output<typeof engineRecordSchema> | undefined> {
  const record = engineRecordSchema.safeParse(await readJson(engineRecord(folder)));
  return record.success && (await isAlive(record.data)) ? record.data : undefined;
}

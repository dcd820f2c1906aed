import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import type ssh2 from "ssh2";
import type { Connection } from "./inputs.ts";
import { blobOfLine, fingerprintOf } from "./ssh-keys.ts";
import { loadSsh2 } from "./ssh2.ts";

const handshakeSeconds = 20;
const pauseSeconds = 1;
/** A booting host may accept connections before cloud-init has put the key in place. */
const refusedKeySeconds = 60;

type Reason = "unreachable" | "host key" | "authentication";

class ConnectError extends Error {
  readonly reason: Reason;
  constructor(reason: Reason, message: string) {
    super(message);
    this.reason = reason;
  }
}

export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  /** The exit status; undefined when a signal ended the command or the connection was lost. */
  readonly status: number | undefined;
}

/**
 * Connects to a host whose key is known. Waits while it refuses connections or does not answer, shortly while it
 * refuses the login, and not at all when its key is another one.
 * @throws Error that names the host, the cause and the next step.
 */
export async function connect(
  connection: Connection,
  waitSeconds: number,
  signal: AbortSignal,
): Promise<ssh2.Client> {
  const began = performance.now();
  for (;;) {
    signal.throwIfAborted();
    const left = waitSeconds - (performance.now() - began) / 1000;
    try {
      return await attempt(connection, Math.max(1, Math.min(handshakeSeconds, left)), signal);
    } catch (error) {
      if (!(error instanceof ConnectError) || error.reason === "host key") throw error;
      const limit =
        error.reason === "authentication" ? Math.min(refusedKeySeconds, waitSeconds) : waitSeconds;
      if ((performance.now() - began) / 1000 + pauseSeconds > limit) throw error;
    }
    await delay(pauseSeconds * 1000, undefined, { signal });
  }
}

/** Runs a command with `input` as its standard input and gives what it wrote, however it ended. */
export async function runCommand(
  client: ssh2.Client,
  command: string,
  input: Iterable<Buffer>,
  signal: AbortSignal,
): Promise<CommandResult> {
  const abort = () => client.destroy();
  signal.addEventListener("abort", abort, { once: true });
  try {
    const { channel, ended } = await openChannel(client, command);
    // A command that ends before it has read everything says why by itself.
    await Promise.all([pipeline(Readable.from(input), channel).catch(() => undefined), ended]);
    signal.throwIfAborted();
    return await ended;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function attempt(connection: Connection, timeoutSeconds: number, signal: AbortSignal): Promise<ssh2.Client> {
  const { address, port, user, privateKey, hostKey } = connection;
  const where = `${user}@${address} port ${port}`;
  const expected = blobOfLine(hostKey);
  let presented: Buffer | undefined;
  return new Promise((resolve, reject) => {
    const client = new (loadSsh2().Client)();
    const abort = () => fail(signal.reason);
    const fail = (error: unknown) => {
      signal.removeEventListener("abort", abort);
      client.destroy();
      reject(error);
    };
    signal.addEventListener("abort", abort, { once: true });
    client.once("ready", () => {
      signal.removeEventListener("abort", abort);
      resolve(client);
    });
    // Stays for the whole connection: a later failure ends the open channel, which is where it is reported.
    client.on("error", (error: Error & { level?: string }) => {
      if (presented && !presented.equals(expected)) fail(wrongHostKey(where, presented, expected));
      else if (error.level === "client-authentication") fail(refusedKey(where, privateKey));
      else fail(unreachable(where, error));
    });
    client.once("close", () => fail(unreachable(where, new Error("the connection was closed"))));
    client.connect({
      host: address,
      port,
      username: user,
      privateKey,
      readyTimeout: timeoutSeconds * 1000,
      keepaliveInterval: 15_000,
      keepaliveCountMax: 4,
      algorithms: { serverHostKey: hostKeyAlgorithms(hostKey) },
      hostVerifier: (key: Buffer) => {
        presented = key;
        return key.equals(expected);
      },
    });
  });
}

/** The expected kind first, so that a host with several keys shows that one; the others to tell what it has instead. */
function hostKeyAlgorithms(hostKey: string): ssh2.ServerHostKeyAlgorithm[] {
  const all: ssh2.ServerHostKeyAlgorithm[] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
  ];
  const kind = hostKey.split(" ")[0] ?? "";
  const isExpected = (name: string) => name === kind || (kind === "ssh-rsa" && name.startsWith("rsa-"));
  return [...all.filter(isExpected), ...all.filter((name) => !isExpected(name))];
}

function wrongHostKey(where: string, presented: Buffer, expected: Buffer): ConnectError {
  return new ConnectError(
    "host key",
    `${where} has the host key ${fingerprintOf(presented)}, expected ${fingerprintOf(expected)}: ` +
      "if the host was built anew, give its new key in connection.hostKey; if not, another machine answers here",
  );
}

function refusedKey(where: string, privateKey: string): ConnectError {
  const parsed = loadSsh2().utils.parseKey(privateKey);
  const key = parsed instanceof Error ? "the key" : `the key ${fingerprintOf(parsed.getPublicSSH())}`;
  return new ConnectError(
    "authentication",
    `${where} refuses ${key}: put its public key into the user's authorized_keys (cloud-init: ssh_authorized_keys)`,
  );
}

function unreachable(where: string, error: Error): ConnectError {
  return new ConnectError(
    "unreachable",
    `${where} cannot be reached (${error.message}): check that the host runs and that address and port are right`,
  );
}

interface RunningCommand {
  readonly channel: ssh2.ClientChannel;
  readonly ended: Promise<CommandResult>;
}

function openChannel(client: ssh2.Client, command: string): Promise<RunningCommand> {
  return new Promise((resolve, reject) => {
    const lost = () => reject(new Error("the connection was lost"));
    client.once("close", lost);
    client.exec(command, (error, channel) => {
      client.off("close", lost);
      if (error) reject(error);
      // Listened to at once: a short command's exit status may already be in the same packet.
      else resolve({ channel, ended: collect(client, channel) });
    });
  });
}

function collect(client: ssh2.Client, channel: ssh2.ClientChannel): Promise<CommandResult> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  channel.on("data", (data: Buffer) => stdout.push(data));
  channel.stderr.on("data", (data: Buffer) => stderr.push(data));
  return new Promise((resolve) => {
    let status: number | undefined;
    const end = () =>
      resolve({
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
        status,
      });
    channel.on("exit", (code: number | null) => {
      status = code ?? undefined;
    });
    channel.once("close", end);
    client.once("close", end);
  });
}

import { constants } from "node:os";
import { execa } from "execa";
import { type GuestPlace, leaderPid } from "./guest.ts";

/** How a command runs inside a guest. */
export interface ExecOptions {
  /** Given to its standard input. */
  input?: string | Uint8Array;
  /** Killed after this time in seconds; default never. */
  timeoutSeconds?: number;
  /** Login name inside the guest; default root. */
  user?: string;
}

/** What a command inside a guest gave. */
export interface ExecResult {
  /** `undefined` where a signal ended it. */
  exitCode: number | undefined;
  signal: string | undefined;
  stdout: string;
  stderr: string;
}

const guestPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * Runs a command inside a running guest by entering its namespaces. A command that fails is a result; a guest
 * that does not run is an error.
 */
export async function execInGuest(
  place: GuestPlace,
  argv: readonly [string, ...string[]],
  options: ExecOptions = {},
): Promise<ExecResult> {
  const result = await execa("nsenter", await argumentsFor(place, argv, options), {
    reject: false,
    cwd: "/",
    stripFinalNewline: false,
    ...(options.input === undefined ? { stdin: "ignore" as const } : { input: options.input }),
    ...(options.timeoutSeconds === undefined ? {} : { timeout: options.timeoutSeconds * 1000 }),
  });
  return {
    exitCode: result.exitCode,
    signal: result.signal,
    stdout: result.stdout ?? "",
    stderr: result.stderr ?? "",
  };
}

/**
 * Runs a command inside a running guest as {@link execInGuest} does, but on this program's own terminal or pipes, so
 * that it can be watched and asked. A signal that ends it counts as the shell counts it.
 * @returns its exit code
 */
export async function attachInGuest(
  place: GuestPlace,
  argv: readonly [string, ...string[]],
  options: Pick<ExecOptions, "user"> = {},
): Promise<number> {
  const { exitCode, signal } = await execa("nsenter", await argumentsFor(place, argv, options), {
    reject: false,
    cwd: "/",
    stdio: "inherit",
  });
  return exitCode ?? 128 + (signal === undefined ? 0 : constants.signals[signal]);
}

async function argumentsFor(
  place: GuestPlace,
  argv: readonly string[],
  { user }: Pick<ExecOptions, "user">,
): Promise<string[]> {
  const leader = await leaderPid(place);
  if (leader === undefined) throw new Error(`guest ${place.vmid} is not running`);
  return [
    ...["--target", String(leader), "--mount", "--uts", "--ipc", "--net", "--pid", "--"],
    ...["env", "-i", guestPath, "LANG=C.UTF-8"],
    ...(user === undefined ? [] : ["runuser", "--user", user, "--"]),
    ...argv,
  ];
}

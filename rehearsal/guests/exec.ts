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
  const leader = await leaderPid(place);
  if (leader === undefined) throw new Error(`guest ${place.vmid} is not running`);
  const asUser = options.user === undefined ? [] : ["runuser", "--user", options.user, "--"];
  const result = await execa(
    "nsenter",
    ["--target", String(leader), "--mount", "--uts", "--ipc", "--net", "--pid", "--"].concat([
      "env",
      "-i",
      guestPath,
      "LANG=C.UTF-8",
      ...asUser,
      ...argv,
    ]),
    {
      reject: false,
      cwd: "/",
      stripFinalNewline: false,
      ...(options.input === undefined ? { stdin: "ignore" as const } : { input: options.input }),
      ...(options.timeoutSeconds === undefined ? {} : { timeout: options.timeoutSeconds * 1000 }),
    },
  );
  return {
    exitCode: result.exitCode,
    signal: result.signal,
    stdout: result.stdout ?? "",
    stderr: result.stderr ?? "",
  };
}

import type ssh2 from "ssh2";
import type { Connection } from "./inputs.ts";
import { connect, runCommand } from "./ssh.ts";

/** sshd may just be reading its configuration again. */
const patienceSeconds = 30;

/**
 * Makes sure that a host can still be reached after a delivery, by connecting a second time. Where it cannot, the
 * units that may be the reason are stopped over the connection that still stands.
 * @throws Error that says what was stopped and why.
 */
export async function ensureReachable(
  client: ssh2.Client,
  connection: Connection,
  suspects: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  try {
    const waitSeconds = Math.min(patienceSeconds, connection.connectTimeoutSeconds);
    const again = await connect(connection, waitSeconds, signal);
    again.end();
  } catch (error) {
    signal.throwIfAborted();
    const names = suspects.join(", ");
    const command = ["systemctl", "stop", "--", ...suspects.map((name) => `'${name}'`)].join(" ");
    const { status, stderr } = await runCommand(client, asRoot(connection.user, command), [], signal);
    const undone = status === 0 ? `stopped ${names} again` : `and stopping ${names} failed: ${stderr.trim()}`;
    const cause = error instanceof Error ? error.message : String(error);
    throw new Error(
      `${connection.address} took the delivery and then no new connection: ${cause}; ${undone}. ` +
        "Let the machine that delivers in, and deliver again",
    );
  }
}

/** A command line for the connection's user to run with root's rights. */
export function asRoot(user: string, command: string): string {
  return user === "root" ? command : `sudo -n ${command}`;
}

import { execInGuest } from "../guests/exec.ts";
import type { GuestPlace } from "../guests/guest.ts";

/**
 * Starts the timer's own service on a database host and waits for its end, so that what is seen is what will run
 * tonight. Fails with what it wrote last.
 * @returns what it wrote
 */
export async function backUpNow(place: GuestPlace): Promise<string> {
  const since = `@${Math.floor(Date.now() / 1000)}`;
  const { exitCode } = await execInGuest(place, ["systemctl", "start", "dbkeeper.service"]);
  const { stdout } = await execInGuest(place, [
    "journalctl",
    ...["--unit", "dbkeeper.service", "--since", since],
    ...["--lines", "20", "--no-pager", "--output", "cat"],
  ]);
  if (exitCode !== 0) throw new Error(`the backup failed:\n${stdout}`);
  return stdout;
}

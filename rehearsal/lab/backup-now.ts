import { execInGuest } from "../guests/exec.ts";
import type { GuestPlace } from "../guests/guest.ts";

/**
 * Starts the timer's own service on a database host and waits for its end, so that what is seen is what will run
 * tonight. Fails with what it wrote last.
 * @returns what it wrote
 */
export function backUpNow(place: GuestPlace): Promise<string> {
  return runToItsEnd(place, "dbkeeper.service", "backup");
}

/** The same for the copy in the archive, which a good backup has started by itself. */
export function archiveNow(place: GuestPlace): Promise<string> {
  return runToItsEnd(place, "dbkeeper-archive.service", "copy to the archive");
}

async function runToItsEnd(place: GuestPlace, unit: string, what: string): Promise<string> {
  const since = `@${Math.floor(Date.now() / 1000)}`;
  const { exitCode } = await execInGuest(place, ["systemctl", "start", unit]);
  const { stdout } = await execInGuest(place, [
    "journalctl",
    ...["--unit", unit, "--since", since],
    ...["--lines", "20", "--no-pager", "--output", "cat"],
  ]);
  if (exitCode !== 0) throw new Error(`the ${what} failed:\n${stdout}`);
  return stdout;
}

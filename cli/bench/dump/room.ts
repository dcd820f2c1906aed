import { freeBytes } from "../../../scripts/system/space.ts";
import { UserError } from "../../terminal.ts";
import type { Scenario } from "./scenario.ts";

const gib = 2 ** 30;

/**
 * Bytes that a scenario takes at most: the databases, what one way keeps or restores of them (the plain script, before
 * it compresses, or a copy of every database), and the server's WAL.
 */
export function neededBytes({ sizeMib }: Pick<Scenario, "sizeMib">): number {
  return sizeMib * 2 ** 20 * 2.5 + 2 * gib;
}

/** Refuses, before anything is made, where a folder has no room for the largest scenario; one follows the other. */
export async function requireRoom(folder: string, scenarios: readonly Scenario[]): Promise<void> {
  const needed = Math.max(...scenarios.map(neededBytes));
  const free = await freeBytes(folder);
  if (free >= needed) return;
  const inGib = (bytes: number) => (bytes / gib).toFixed(1);
  throw new UserError(
    `${folder} has ${inGib(free)} GiB free, but the benchmark needs ${inGib(needed)} GiB there at a time`,
    { hint: "make room, name another folder with TMPDIR, or measure less with --quick" },
  );
}

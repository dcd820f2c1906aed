import { randomBytes } from "node:crypto";

/** A name for a scratch database that nobody else has. */
export function newScratchName(): string {
  return `dbkeeper_scratch_${randomBytes(8).toString("hex")}`;
}

/** Whether a database bears the name of a scratch database: such are never dumped. */
export function isScratchName(name: string): boolean {
  return /^dbkeeper_scratch_[0-9a-f]{16}$/.test(name);
}

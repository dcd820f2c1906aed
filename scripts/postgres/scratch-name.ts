import { randomBytes } from "node:crypto";

/** A name for a scratch database that nobody else has. */
export function newScratchName(): string {
  return `dbkeeper_scratch_${randomBytes(8).toString("hex")}`;
}

/** Whether a database bears the name of a scratch database: such are never dumped. */
export function isScratchName(name: string): boolean {
  return /^dbkeeper_scratch_[0-9a-f]{16}$/.test(name);
}

/** A name for a database that is being restored, until it gets the one it is restored for. */
export function newRestoreName(): string {
  return `dbkeeper_restore_${randomBytes(8).toString("hex")}`;
}

/** Whether a database bears the name of one whose restore has not ended: such are never dumped. */
export function isRestoreName(name: string): boolean {
  return /^dbkeeper_restore_[0-9a-f]{16}$/.test(name);
}

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

/**
 * A database that scratch databases are made from where the server has it, for what only a superuser may put there. It
 * is a template, so that anybody with CREATEDB may copy it.
 */
export const scratchTemplate = "dbkeeper_template";

/** The schema there, and wherever dbkeeper makes an extension itself: no dump has one of this name. */
export const scratchSchema = "dbkeeper_amcheck";

import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { isRecord } from "../../provider/values.ts";

/** Somebody else's change to another object of the same file is no conflict, and a whole update may make many. */
export const conflictRetries = 20;
const longestPauseMs = 250;

/** Waits a while, not the same for everybody, so that two who write to one file do not meet again. */
export function conflictPause(signal: AbortSignal): Promise<void> {
  return sleep(Math.random() * longestPauseMs, undefined, { signal });
}

/** That an object is not what a change was computed from any more. Values are left out: they may be secret. */
export function changedMeanwhile(what: string, before: unknown, after: unknown, cause: unknown): Error {
  const changed = after === undefined ? "it is gone" : differences(before, after).join(", ");
  return new Error(
    `${what} was changed by somebody else while it was being updated${changed && ` (${changed})`}, so nothing was written: ` +
      "run `pulumi refresh` to see what changed, then `pulumi up`",
    { cause },
  );
}

/** That the object stayed as it is, but others never stopped to write to its file. */
export function tooBusy(what: string, url: string, cause: unknown): Error {
  return new Error(
    `${what} was not updated: others write to the same configuration file of ${url} without a pause; ` +
      "wait until they are done (another `pulumi up`, perhaps), then run `pulumi up`",
    { cause },
  );
}

function differences(before: unknown, after: unknown): string[] {
  if (!isRecord(before) || !isRecord(after)) return [];
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => !isDeepStrictEqual(before[name], after[name])).sort();
}

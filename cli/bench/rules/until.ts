import { setTimeout as sleep } from "node:timers/promises";

export interface UntilOptions {
  /** What is waited for, as it reads after "waited 5 s for". */
  readonly what: string;
  readonly timeoutSeconds: number;
  /** Ends the wait at once. */
  readonly signal: AbortSignal;
}

/** Looks once a second until there is something, and returns that; what fails counts as not yet. */
export async function until<T>(
  look: () => T | undefined | Promise<T | undefined>,
  { what, timeoutSeconds, signal }: UntilOptions,
): Promise<T> {
  const endAt = performance.now() + timeoutSeconds * 1000;
  let reason = "it never came";
  while (performance.now() < endAt) {
    signal.throwIfAborted();
    try {
      const found = await look();
      if (found !== undefined) return found;
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
    }
    await sleep(1000, undefined, { signal });
  }
  throw new Error(`waited ${timeoutSeconds} s for ${what}: ${reason}`);
}

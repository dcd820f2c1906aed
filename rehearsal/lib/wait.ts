import { setTimeout as sleep } from "node:timers/promises";

/** Options of {@link waitFor}. */
export interface WaitOptions {
  /** What is waited for, as it reads after "waited 5 s for". */
  what: string;
  /** Deadline in seconds. */
  timeoutSeconds: number;
  /** Pause between two looks in milliseconds. Default 100. */
  intervalMs?: number;
}

/**
 * Looks at a condition until it gives something truthy, and returns that. A condition that throws counts as
 * "not yet". Fails after the deadline, naming what was waited for and the last reason.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  options: WaitOptions,
): Promise<Exclude<Awaited<T>, false | null | undefined | 0 | "">> {
  const deadline = Date.now() + options.timeoutSeconds * 1000;
  let reason = "the condition was never met";
  for (;;) {
    try {
      const value = await condition();
      if (value) return value as Exclude<Awaited<T>, false | null | undefined | 0 | "">;
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
    }
    if (Date.now() >= deadline) {
      throw new Error(`waited ${options.timeoutSeconds} s for ${options.what}: ${reason}`);
    }
    await sleep(options.intervalMs ?? 100);
  }
}

/**
 * A gate that lets at most `limit` jobs run; of those waiting, the one with the highest priority goes first.
 * Jobs that are asked for in the same turn of the event loop compete from the start.
 */
export function limitConcurrency(limit: number): <T>(priority: number, job: () => Promise<T>) => Promise<T> {
  const waiting: { priority: number; start: () => void }[] = [];
  let running = 0;
  const admit = () => {
    waiting.sort((left, right) => right.priority - left.priority);
    while (running < limit) {
      const next = waiting.shift();
      if (next === undefined) return;
      running += 1;
      next.start();
    }
  };
  return async (priority, job) => {
    await new Promise<void>((resolve) => {
      waiting.push({ priority, start: resolve });
      setImmediate(admit);
    });
    try {
      return await job();
    } finally {
      running -= 1;
      admit();
    }
  };
}

import { failure } from "./errors.ts";

/** Seconds that the product waits for a lock file unless told otherwise. */
export const lockTimeoutSeconds = 10;

/**
 * The product's lock files. One is held by one worker at a time (one of a storage by as many as the node can serve),
 * those who wait get their turn in order, and who waits too long fails with the product's message. They are gone with
 * the process that holds them, as after a crash.
 */
export class Locks {
  readonly #turns = new Map<string, { held: number; waiting: (() => void)[] }>();
  readonly #timeoutSeconds: number;

  constructor(timeoutSeconds = lockTimeoutSeconds) {
    this.#timeoutSeconds = timeoutSeconds;
  }

  /** Runs work while holding a VM's lock. */
  with<T>(vmid: number, work: () => Promise<T>, timeoutSeconds?: number): Promise<T> {
    return this.#hold(`/var/lock/qemu-server/lock-${vmid}.conf`, "", 1, work, timeoutSeconds);
  }

  /**
   * Runs work while holding the lock of a storage of a node.
   *
   * @param atOnce how many the node serves at the same time
   */
  storage<T>(node: string, storage: string, atOnce: number, work: () => Promise<T>): Promise<T> {
    return this.#hold(`/var/lock/pve-manager/pve-storage-${storage}`, node, atOnce, work);
  }

  /** Runs work while holding the node's lock of backups: one job runs at a time. */
  backups<T>(node: string, work: () => Promise<T>, timeoutSeconds: number): Promise<T> {
    return this.#hold("/var/run/vzdump.lock", node, 1, work, timeoutSeconds, "can't acquire lock");
  }

  async #hold<T>(
    file: string,
    node: string,
    atOnce: number,
    work: () => Promise<T>,
    timeoutSeconds = this.#timeoutSeconds,
    complaint = "can't lock file",
  ): Promise<T> {
    const key = `${node} ${file}`;
    const lock = this.#turns.get(key) ?? { held: 0, waiting: [] };
    this.#turns.set(key, lock);
    if (lock.held < atOnce) lock.held += 1;
    else await turnOf(lock.waiting, `${complaint} '${file}' - got timeout`, timeoutSeconds);
    try {
      return await work();
    } finally {
      const next = lock.waiting.shift();
      // The lock goes straight to the next in line.
      if (next !== undefined) next();
      else lock.held -= 1;
      if (lock.held === 0) this.#turns.delete(key);
    }
  }
}

function turnOf(waiting: (() => void)[], message: string, timeoutSeconds: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      waiting.splice(waiting.indexOf(start), 1);
      reject(failure(message));
    }, timeoutSeconds * 1000);
    const start = () => {
      clearTimeout(timer);
      resolve();
    };
    waiting.push(start);
  });
}

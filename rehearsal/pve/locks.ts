import { failure } from "./errors.ts";

/** One lock per VM, as the product's lock files: work on one VM is done one after the other. */
export class VmLocks {
  readonly #tails = new Map<number, Promise<void>>();

  /**
   * Runs work while holding the VM's lock. Fails with the product's message where the lock is not had in time.
   *
   * @param timeoutSeconds default 10, as in the product
   */
  async with<T>(vmid: number, work: () => Promise<T>, timeoutSeconds = 10): Promise<T> {
    const before = this.#tails.get(vmid) ?? Promise.resolve();
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const tail = before.then(() => held);
    this.#tails.set(vmid, tail);
    // Not when this work ends: one that gave up waiting leaves the holder before it in place.
    void tail.then(() => {
      if (this.#tails.get(vmid) === tail) this.#tails.delete(vmid);
    });
    try {
      await inTime(before, vmid, timeoutSeconds);
      return await work();
    } finally {
      release();
    }
  }
}

async function inTime(turn: Promise<void>, vmid: number, timeoutSeconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(failure(`can't lock file '/var/lock/qemu-server/lock-${vmid}.conf' - got timeout`));
    }, timeoutSeconds * 1000);
  });
  try {
    await Promise.race([turn, late]);
  } finally {
    clearTimeout(timer);
  }
}

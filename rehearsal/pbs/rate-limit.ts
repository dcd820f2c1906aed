import { setTimeout as delay } from "node:timers/promises";
import type { Server } from "./route.ts";
import type { Section } from "./state.ts";
import type { TaskRun } from "./tasks.ts";

/** Lets bytes through at a rate, and at first as many more as the burst holds. */
export class TokenBucket {
  readonly #bytesPerSecond: number;
  readonly #burstBytes: number;
  readonly #now: () => number;
  /** When everything that was taken so far has been paid for, in milliseconds. */
  #paidAt = Number.NEGATIVE_INFINITY;

  /** @param now milliseconds of a clock that never goes back */
  constructor(bytesPerSecond: number, burstBytes: number, now: () => number = () => performance.now()) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#burstBytes = burstBytes;
    this.#now = now;
  }

  /** Takes bytes, and says how many milliseconds to wait before they may go. */
  reserve(bytes: number): number {
    const now = this.#now();
    const full = now - (1000 * this.#burstBytes) / this.#bytesPerSecond;
    this.#paidAt = Math.max(this.#paidAt, full) + (1000 * bytes) / this.#bytesPerSecond;
    return Math.max(0, this.#paidAt - now);
  }

  /** Resolves when the bytes may go. Rejects when the signal aborts. */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    const milliseconds = this.reserve(bytes);
    if (milliseconds > 0) await delay(milliseconds, undefined, signal ? { signal } : {});
  }
}

/** What holds for one direction each; nothing where it is undefined. */
export interface TransferLimits {
  readonly in?: TokenBucket;
  readonly out?: TokenBucket;
}

/** The limits that the properties `rate-in`, `rate-out`, `burst-in` and `burst-out` of a job or rule ask for. */
export function transferLimits(section: Section): TransferLimits {
  const incoming = bucketOf(section["rate-in"], section["burst-in"]);
  const outgoing = bucketOf(section["rate-out"], section["burst-out"]);
  return { ...(incoming ? { in: incoming } : {}), ...(outgoing ? { out: outgoing } : {}) };
}

/** The rates of jobs hold, those of traffic control do not: whoever reads the log of a transfer shall know it. */
export async function tellOfRules(server: Server, run: Pick<TaskRun, "log">): Promise<void> {
  const rules = Object.keys(server.store.state["traffic-control"]);
  if (rules.length > 0) {
    await run.log(`traffic control is not applied by the simulated server (rules: ${rules.join(", ")})`);
  }
}

/** As the product, which lets one second's worth through at once where no burst is given. */
function bucketOf(rate: unknown, burst: unknown): TokenBucket | undefined {
  if (rate === undefined) return undefined;
  const bytesPerSecond = Math.max(1, bytesOf(String(rate)));
  return new TokenBucket(bytesPerSecond, burst === undefined ? bytesPerSecond : bytesOf(String(burst)));
}

/** `10 MiB`, `1.5G` or `100` in bytes; letters alone and with `B` count by 1000, with `i` by 1024. */
export function bytesOf(text: string): number {
  const [, number = "0", prefix = "", binary = ""] =
    /^(\d+(?:\.\d+)?)\s*([KMGTPE]?)(i?)B?$/i.exec(text.trim()) ?? [];
  const exponent = prefix === "" ? 0 : "KMGTPE".indexOf(prefix.toUpperCase()) + 1;
  return Math.round(Number(number) * (binary === "" ? 1000 : 1024) ** exponent);
}

import { randomInt } from "node:crypto";
import { Failure } from "../exit-codes.ts";
import type { Backup } from "./info.ts";
import { formatMicros } from "./sentinel.ts";

/** Where a drill recovers to, and from which repository; without one, see {@link inTurn}. */
export type TargetChoice = (
  | { kind: "now" }
  | { kind: "random"; count: number }
  | { kind: "time"; micros: number }
) & { repository?: number };

/** A time to recover to, in microseconds since 1970, and the backup to start from. */
export interface DrillPlan {
  target: number;
  backup: Backup;
}

/**
 * Reads a `--target-time`: ISO 8601 with a time zone, because a time without one means something else on each host.
 * Fails as `usage`.
 */
export function parseTarget(text: string): number {
  const match = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(Z|[+-]\d\d(?::?\d\d)?)$/.exec(text);
  const [, day, time, fraction = "", zone = ""] = match ?? [];
  const offset = zone === "Z" ? zone : `${zone.slice(0, 3)}:${zone.replace(":", "").slice(3) || "00"}`;
  const milliseconds = match === null ? Number.NaN : Date.parse(`${day}T${time}${offset}`);
  if (Number.isNaN(milliseconds)) {
    throw new Failure(
      "usage",
      `${JSON.stringify(text)} is no time with its zone; write it as 2026-06-01T02:00:00Z`,
    );
  }
  return milliseconds * 1000 + Number(fraction.padEnd(6, "0"));
}

/**
 * Chooses the times, and for each the newest backup that ended before it. `now` is the source's clock after the last
 * sentinel row that may be recovered. Fails as `preflight` for a time that no backup reaches: recovery from a backup
 * that ends later than its target would not stop at the target, and say nothing.
 */
export function planDrill(choice: TargetChoice, backups: readonly Backup[], now: number): DrillPlan[] {
  const usable = backups.toSorted((a, b) => a.stoppedAt - b.stoppedAt);
  const [oldest] = usable;
  if (oldest === undefined) {
    const where = choice.repository === undefined ? "" : ` in repository ${choice.repository}`;
    const text = `there is no physical backup${where} yet; \`dbkeeper wal backup\` takes one`;
    throw new Failure("preflight", text);
  }
  return targetsOf(choice, reachableFrom(oldest), now).map((target) => {
    if (target > now) {
      throw new Failure(
        "preflight",
        `${formatMicros(target)} is later than the last commit that is archived (${formatMicros(now)}): recovery would end before it`,
      );
    }
    const backup = usable.findLast((candidate) => reachableFrom(candidate) <= target);
    if (backup !== undefined) return { target, backup };
    throw new Failure(
      "preflight",
      `${formatMicros(target)} is earlier than the end of the oldest backup, ${oldest.label}: the earliest time that can be recovered is ${formatMicros(reachableFrom(oldest))}`,
    );
  });
}

/**
 * The backups that a drill may choose from: of one repository, so that each is proven in its turn, the one first whose
 * last passing drill (Unix time in milliseconds) is the longest ago. A time that is asked for is recovered from
 * whichever reaches it.
 */
export function inTurn(
  choice: TargetChoice,
  backups: readonly Backup[],
  lastPassed: (repository: number) => number | undefined,
): readonly Backup[] {
  const { repository: wanted } = choice;
  if (wanted !== undefined) return backups.filter(({ repository }) => repository === wanted);
  if (choice.kind === "time") return backups;
  const [next] = [...new Set(backups.map(({ repository }) => repository))].toSorted(
    (a, b) => (lastPassed(a) ?? 0) - (lastPassed(b) ?? 0) || a - b,
  );
  return backups.filter(({ repository }) => repository === next);
}

function targetsOf(choice: TargetChoice, earliest: number, now: number): number[] {
  if (choice.kind === "time") return [choice.micros];
  if (choice.kind === "now") return [now];
  return Array.from({ length: choice.count }, () => between(earliest, now));
}

/** The first time that a backup can be recovered to: its end is known to the second, cut off. */
function reachableFrom({ stoppedAt }: Backup): number {
  return (stoppedAt + 1) * 1_000_000;
}

function between(first: number, last: number): number {
  const milliseconds = Math.floor((last - first) / 1000);
  return milliseconds <= 0 ? first : first + randomInt(milliseconds) * 1000 + randomInt(1000);
}

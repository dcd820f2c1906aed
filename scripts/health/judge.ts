import { formatBytes, formatSeconds } from "../events.ts";
import type { Limits } from "./config.ts";

/** What is known of a component's state, in the order from good to bad. */
export const states = ["ok", "warning", "failing"] as const;

/** See {@link states}. */
export type State = (typeof states)[number];

/** A component's state, and why in a sentence for people; never secret. */
export interface Verdict {
  state: State;
  detail: string;
}

/** The worst of several verdicts first told; `otherwise` where there is none. */
export function worst(verdicts: readonly Verdict[], otherwise: string): Verdict {
  const [first, ...others] = verdicts.toSorted((a, b) => states.indexOf(b.state) - states.indexOf(a.state));
  if (first === undefined) return { state: "ok", detail: otherwise };
  const alike = others.filter(({ state }) => state === first.state);
  return { state: first.state, detail: [first, ...alike].map(({ detail }) => detail).join("; ") };
}

/** Where a value is that should be low. */
export function stateOf(value: number, { warning, failing }: Limits): State {
  return value >= failing ? "failing" : value >= warning ? "warning" : "ok";
}

/** Connections in use against those that ordinary roles may have. */
export function judgeConnections(
  { used, maximum }: { used: number; maximum: number },
  limit: Limits,
): Verdict {
  const percent = (used / maximum) * 100;
  return { state: stateOf(percent, limit), detail: `${used} of ${maximum} connections in use` };
}

/** What a server says of its part in replication. */
export interface ReplicationFacts {
  /** A standby; `null` on a primary. */
  standby: { receiving: boolean; lagSeconds: number | null } | null;
  /** Standbys that are connected to this server. */
  followers: readonly { name: string; state: string; lagSeconds: number }[];
  /** Physical replication slots that nobody uses: their standby is away. */
  idleSlots: readonly string[];
}

/** A standby that does not receive is failing; a primary whose standby is away still serves. */
export function judgeReplication(
  { standby, followers, idleSlots }: ReplicationFacts,
  limit: Limits,
): Verdict {
  const behind = (name: string, lagSeconds: number): Verdict => ({
    state: stateOf(lagSeconds, limit),
    detail: `${name} is ${formatSeconds(lagSeconds)} behind`,
  });
  const own: Verdict[] =
    standby === null
      ? []
      : [
          ...(standby.receiving
            ? []
            : [{ state: "failing", detail: "this standby receives nothing from its primary" } as const]),
          ...(standby.lagSeconds === null ? [] : [behind("this standby", standby.lagSeconds)]),
        ];
  // A primary is as good as before when its standby lags: that must not take it out of service.
  const others = followers.map(({ name, state, lagSeconds }): Verdict => {
    const { detail, state: far } = behind(`standby ${name}`, lagSeconds);
    if (state !== "streaming") return { state: "warning", detail: `standby ${name} is in state ${state}` };
    return { state: far === "ok" ? "ok" : "warning", detail };
  });
  const slots = idleSlots.map((name): Verdict => ({ state: "warning", detail: `nobody uses slot ${name}` }));
  return worst([...own, ...others, ...slots], "no standby and not one itself");
}

/** Statements that wait for a lock, and the longest wait. */
export function judgeLocks(
  { waiting, longestSeconds }: { waiting: number; longestSeconds: number },
  limit: Limits,
): Verdict {
  if (waiting === 0) return { state: "ok", detail: "nobody waits for a lock" };
  return {
    state: stateOf(longestSeconds, limit),
    detail: `${waiting} wait for a lock, the longest for ${formatSeconds(longestSeconds)}`,
  };
}

/** Fewer blocks than these say nothing: a server that has just started has read all of its few from the disk. */
const enoughBlocks = 100_000;

/** How many blocks the server had to fetch since its statistics began. */
export function judgeBuffers({ hits, reads }: { hits: number; reads: number }, limit: Limits): Verdict {
  const all = hits + reads;
  if (all < enoughBlocks) return { state: "ok", detail: `only ${all} blocks read yet` };
  const percent = (reads / all) * 100;
  return {
    state: stateOf(percent, limit),
    detail: `${(100 - percent).toFixed(1)} % of blocks were in memory`,
  };
}

/** Used part of a file system or of the memory. */
export function judgeRoom(
  name: string,
  { freeBytes, sizeBytes }: { freeBytes: number; sizeBytes: number },
  limit: Limits,
): Verdict {
  const percent = sizeBytes === 0 ? 0 : (1 - freeBytes / sizeBytes) * 100;
  return {
    state: stateOf(percent, limit),
    detail: `${name}: ${formatBytes(freeBytes)} of ${formatBytes(sizeBytes)} free`,
  };
}

/** Age of the newest proven dump of each database; `null` where there is none. */
export function judgeDumps(
  ages: readonly { database: string; ageSeconds: number | null }[],
  maximumDumpAgeHours: number,
): Verdict {
  if (ages.length === 0) return { state: "failing", detail: "there is no dump yet" };
  const verdicts = ages.map(({ database, ageSeconds }): Verdict => {
    const name = JSON.stringify(database);
    if (ageSeconds === null) return { state: "failing", detail: `no dump of ${name} is proven` };
    const tooOld = ageSeconds > maximumDumpAgeHours * 3600;
    return {
      state: tooOld ? "failing" : "ok",
      detail: `the newest proven dump of ${name} is ${formatSeconds(ageSeconds)} old`,
    };
  });
  return worst(verdicts, "");
}

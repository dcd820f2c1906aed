import { isDeepStrictEqual } from "node:util";
import type { Note } from "../../provider/engine.ts";
import type { Call } from "../../provider/resource.ts";
import type { PbsClient } from "../client.ts";
import { isGone } from "../error.ts";
import { type Decision, dryRun, keepRules, type Retention } from "./prune-dry-run.ts";
import type { Scope } from "./walk.ts";

/** What of a prune job decides which backups go. */
export type Pruning = Retention & Scope & { readonly disable?: boolean | undefined };

const decisive = [...keepRules, "store", "ns", "maxDepth", "disable"] as const;
const shownGroups = 20;
const toldUnreachable = new WeakSet<PbsClient>();

/**
 * What changing a prune job would remove at its next run, by the server's dry run. Asks the server nothing where
 * nothing about pruning changes; where it cannot be asked, that is told and nothing fails.
 */
export async function pruneNotes(
  { client, signal }: Pick<Call<PbsClient>, "client" | "signal">,
  recorded: Partial<Pruning>,
  wanted: Pruning,
): Promise<Note[]> {
  const changed = decisive.some((property) => !isDeepStrictEqual(recorded[property], wanted[property]));
  if (!changed || wanted.disable || toldUnreachable.has(client)) return [];
  try {
    const after = await decisionsOf(client, wanted, signal);
    const { store } = recorded;
    const before =
      store === undefined || recorded.disable
        ? []
        : await decisionsOf(client, { ...recorded, store }, signal);
    return [{ severity: "info", message: describeChange(wanted, before, after) }];
  } catch (error) {
    const why = signal.aborted
      ? `${client.url} did not answer in time`
      : error instanceof Error
        ? error.message
        : String(error);
    // One server that is away is one warning, not one for every job on it.
    if (signal.aborted || !/\(HTTP \d+\)/.test(why)) {
      if (toldUnreachable.has(client)) return [];
      toldUnreachable.add(client);
    }
    return [
      {
        severity: "warning",
        message: `what the new retention would prune is not known, the change itself is not affected: ${why}`,
      },
    ];
  }
}

/** A datastore or namespace that is yet to be made holds nothing. */
async function decisionsOf(client: PbsClient, job: Pruning, signal: AbortSignal): Promise<Decision[]> {
  try {
    return (await dryRun(client, job, job, signal)).map((one) => ({ ...one, ns: `${job.store}:${one.ns}` }));
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

/** In words: how many backups would go, of which groups and times, and how many of them only because of the change. */
export function describeChange(
  job: Pick<Scope, "store">,
  before: readonly Decision[],
  after: readonly Decision[],
): string {
  const removed = after.filter(({ mark }) => mark === "remove");
  const goneBefore = new Set(before.filter(({ mark }) => mark === "remove").map(keyOf));
  const goneAfter = new Set(removed.map(keyOf));
  const spared = [...goneBefore].filter((key) => !goneAfter.has(key)).length;
  const sparing = spared === 0 ? "" : `; ${spared} that the present one would remove stay`;
  if (removed.length === 0) {
    return `with this retention the next run would remove none of ${countOf(after)} in ${job.store}${sparing}`;
  }
  const more = removed.filter((one) => !goneBefore.has(keyOf(one))).length;
  const groups = [...Map.groupBy(after, groupOf)].flatMap(([name, all]) => {
    const going = all.filter(({ mark }) => mark === "remove").map(({ backupTime }) => backupTime);
    if (going.length === 0) return [];
    const [oldest, newest] = [Math.min(...going), Math.max(...going)].map(timeOf);
    const span = oldest === newest ? oldest : `${oldest} to ${newest}`;
    return [`  ${name}: ${going.length} of ${all.length}, ${span} UTC`];
  });
  const hidden = groups.length - shownGroups;
  return [
    `with this retention the next run would remove ${removed.length} of ${countOf(after)} in ${job.store}, ` +
      `${more === 0 ? "no more than" : `${more} more than`} with the present one${sparing}:`,
    ...groups.slice(0, shownGroups),
    ...(hidden > 0 ? [`  … and of ${hidden} more groups`] : []),
  ].join("\n");
}

function countOf({ length }: readonly Decision[]): string {
  return length === 1 ? "1 backup" : `${length} backups`;
}

/** `vms:lab` and `vm/100` → `lab: vm/100`. */
function groupOf({ ns, backupType, backupId }: Decision): string {
  const namespace = ns.slice(ns.indexOf(":") + 1);
  return `${namespace === "" ? "" : `${namespace}/`}${backupType}/${backupId}`;
}

function keyOf(decision: Decision): string {
  return `${decision.ns} ${decision.backupType}/${decision.backupId} ${decision.backupTime}`;
}

function timeOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");
}

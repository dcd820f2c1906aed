import { setTimeout as sleep } from "node:timers/promises";
import type { Channel } from "../../infra/site.ts";
import type { PrometheusAccess } from "../lab/prometheus.ts";
import { waitFor } from "../lib/wait.ts";
import type { Message } from "../sinks/store.ts";
import { type ExpectedReceiver, expectedReceivers } from "./channels.ts";
import type { Drill, DrillLab, DrillResult } from "./drill.ts";
import { alertOfDrill, firingAlerts, heard, isAbout, isEnd, messagesSince } from "./observe.ts";

/** What drills are run with. */
export interface Drilling {
  readonly lab: DrillLab;
  readonly prometheus: PrometheusAccess;
  /** The site's channels. */
  readonly channels: readonly Channel[];
  /** The area of an alert, by its name and severity. */
  readonly areaOf: (drill: Drill) => string;
  /** Told of each result as it comes. */
  readonly report: (result: DrillResult) => void;
}

const defaultSeconds = 180;
const lookEveryMs = 1000;

/**
 * Runs drills, those side by side that disturb nothing in common, and gives their results in the order in which they
 * ended. What was broken is mended in any case.
 */
export async function runDrills(drills: readonly Drill[], drilling: Drilling): Promise<DrillResult[]> {
  const waiting = [...drills];
  const disturbed = new Set<string>();
  const running = new Set<Promise<void>>();
  const results: DrillResult[] = [];
  while (waiting.length > 0 || running.size > 0) {
    const index = waiting.findIndex(({ disturbs }) => disturbs.every((part) => !disturbed.has(part)));
    const [next] = index < 0 ? [] : waiting.splice(index, 1);
    if (!next) {
      await Promise.race(running);
      continue;
    }
    for (const part of next.disturbs) disturbed.add(part);
    const run: Promise<void> = runDrill(next, drilling).then((result) => {
      for (const part of next.disturbs) disturbed.delete(part);
      running.delete(run);
      results.push(result);
      drilling.report(result);
    });
    running.add(run);
  }
  return results;
}

async function runDrill(drill: Drill, drilling: Drilling): Promise<DrillResult> {
  const found = {
    fired: null as number | null,
    told: null as number | null,
    resolved: null as number | null,
  };
  let receivers: readonly string[] = [];
  let failure: string | null = null;
  const { lab } = drilling;
  const mended = { isDone: false };
  try {
    const expected = expectedReceivers(drilling.channels, { ...drill, area: drilling.areaOf(drill) });
    if (alertOfDrill(await firingAlerts(drilling.prometheus), drill)) {
      throw new Error(`${drill.alert} fires already, before anything was broken`);
    }
    const broken = new Date();
    const since = () => Math.round((Date.now() - broken.getTime()) / 1000);
    await drill.break(lab);
    await waitFor(async () => alertOfDrill(await firingAlerts(drilling.prometheus), drill), {
      what: `${drill.alert} to fire`,
      timeoutSeconds: drill.withinSeconds ?? defaultSeconds,
      intervalMs: lookEveryMs,
    });
    found.fired = since();
    receivers = await allTold(drill, drilling, expected, broken, (message) => !isEnd(message));
    found.told = since();
    const mendedAt = new Date();
    await drill.mend(lab);
    mended.isDone = true;
    await waitFor(async () => !alertOfDrill(await firingAlerts(drilling.prometheus), drill), {
      what: `${drill.alert} to end`,
      timeoutSeconds: drill.endsWithinSeconds ?? defaultSeconds,
      intervalMs: lookEveryMs,
    });
    await allTold(drill, drilling, expected, mendedAt, isEnd);
    found.resolved = Math.round((Date.now() - mendedAt.getTime()) / 1000);
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  }
  if (!mended.isDone) {
    await drill.mend(lab).catch((error: Error) => {
      failure = `${failure}; and mending failed: ${error.message}`;
    });
  }
  return {
    drill: drill.name,
    alert: drill.alert,
    severity: drill.severity,
    firedAfterSeconds: found.fired,
    toldAfterSeconds: found.told,
    receivers,
    resolvedAfterSeconds: found.resolved,
    failure,
  };
}

/** Waits until each channel has such a message about the drill's alert, with the words that people need. */
async function allTold(
  drill: Drill,
  { lab }: Drilling,
  expected: readonly ExpectedReceiver[],
  since: Date,
  isWanted: (message: Message) => boolean,
): Promise<readonly string[]> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const about = (await messagesSince(lab.instance, since)).filter(
      (message) => isAbout(message, drill) && isWanted(message),
    );
    const { by, missing } = heard(expected, about);
    if (missing.length === 0) {
      const silent = about.find(({ text }) => !text.includes(drill.says));
      if (silent)
        throw new Error(
          `a message to ${silent.path || silent.to.join()} does not say "${drill.says}": ${silent.text.slice(0, 400)}`,
        );
      return by;
    }
    if (Date.now() > deadline)
      throw new Error(`no message of ${drill.alert} reached ${missing.join(", ")} within a minute`);
    await sleep(lookEveryMs);
  }
}

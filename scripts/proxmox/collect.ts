import type { Report } from "../events.ts";
import { Failure, kindOf, messageOf } from "../exit-codes.ts";
import { type Family, renderFamilies } from "../metrics/family.ts";
import { writeFileAtomic } from "../system/files.ts";
import { openApi, type Product } from "./client.ts";
import type { Config } from "./config.ts";
import { gauge, sample } from "./gauge.ts";
import { keyEscrowFamily } from "./key-escrow.ts";
import type { Part, Surroundings } from "./part.ts";
import { pbsParts } from "./pbs.ts";
import { pveParts } from "./pve.ts";
import { readState, writeState } from "./state.ts";

interface Watched {
  readonly product: Product;
  readonly partNames: readonly string[];
  parts(api: Awaited<ReturnType<typeof openApi>>, around: Surroundings): Part[];
}

const watched: readonly Watched[] = [
  { product: "pve", partNames: ["cluster", "resources", "jobs", "tasks"], parts: pveParts },
  { product: "pbs", partNames: ["datastores", "gc", "jobs", "tasks", "snapshots"], parts: pbsParts },
];

/** One run's surroundings. */
export interface Run {
  readonly report: Report;
  readonly signal: AbortSignal;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

interface Result {
  readonly up: boolean;
  readonly failures: readonly unknown[];
  readonly families: readonly Family[];
}

/**
 * Asks both servers side by side and writes what could be read; what could not has no samples, and says so.
 * @throws Failure `preflight`, `unreachable` or `partial` once everything is written
 */
export async function collect(config: Config, { report, signal, now }: Run): Promise<void> {
  const startedAt = now();
  const nowSeconds = Math.floor(startedAt / 1000);
  const state = await readState(config.stateFile, report);
  const around: Surroundings = { config, state, nowSeconds };
  const asked = watched.filter(({ product }) => config[product] !== undefined);
  const results = await Promise.all(asked.map((each) => read(each, around, { report, signal })));
  signal.throwIfAborted();
  const families = [
    ...results.flatMap(({ families: read }) => read),
    keyEscrowFamily(config.keyEscrow),
    gauge("proxwatch_last_run_timestamp_seconds", "When the servers were last asked.", [
      sample({}, nowSeconds),
    ]),
    gauge("proxwatch_last_run_duration_seconds", "How long that took.", [
      sample({}, (now() - startedAt) / 1000),
    ]),
  ];
  await writeState(config.stateFile, state);
  await writeFileAtomic(config.metricsFile, renderFamilies(families), 0o644);
  const failures = results.flatMap((result) => result.failures);
  if (failures.length === 0) return;
  const text = `${failures.length === 1 ? "one thing" : `${failures.length} things`} could not be read; the rest is in ${config.metricsFile}`;
  if (failures.some((error) => kindOf(error) === "preflight")) throw new Failure("preflight", text);
  throw new Failure(results.some(({ up }) => up) ? "partial" : "unreachable", text);
}

async function read(
  { product, partNames, parts }: Watched,
  around: Surroundings,
  { report, signal }: Pick<Run, "report" | "signal">,
): Promise<Result> {
  const failures: unknown[] = [];
  const failed = (what: string, error: unknown) => {
    failures.push(error);
    report.event("error", "read-failed", `${what}: ${messageOf(error)}`, { product });
  };
  const success = new Map(partNames.map((name) => [name, false]));
  const families: Family[] = [];
  let up = false;
  try {
    const server = around.config[product];
    if (server === undefined) throw new Error(`${product} is not configured`);
    const api = await openApi(product, server, around.config.timeoutSeconds, signal);
    up = true;
    for (const part of parts(api, around)) {
      try {
        families.push(...(await readPart(`${product} ${part.name}`, part, around)));
        success.set(part.name, true);
      } catch (error) {
        failed(`${product} ${part.name}`, error);
      }
    }
  } catch (error) {
    failed(product, error);
  }
  return {
    up,
    failures,
    families: [
      gauge(`${product}_up`, "Whether the server answers to the token.", [sample({}, up)]),
      gauge(
        `${product}_part_success`,
        "Whether the part could be read; what could not be has no samples.",
        [...success].map(([part, isRead]) => sample({ part }, isRead)),
      ),
      ...families,
    ],
  };
}

/** Reads a part, or takes what was read of it shortly before. What fails is tried again by the next run. */
async function readPart(key: string, part: Part, { state, nowSeconds }: Surroundings): Promise<Family[]> {
  const kept = state.kept[key];
  const age = kept === undefined ? Number.POSITIVE_INFINITY : nowSeconds - kept.readAt;
  if (kept !== undefined && part.everySeconds !== undefined && age >= 0 && age < part.everySeconds)
    return kept.families;
  delete state.kept[key];
  const families = await part.read();
  if (part.everySeconds !== undefined)
    state.kept[key] = {
      readAt: nowSeconds,
      families: families.map(({ name, help, samples }) => ({
        name,
        help,
        samples: samples.map(({ labels, value }) => ({ labels: { ...labels }, value })),
      })),
    };
  return families;
}

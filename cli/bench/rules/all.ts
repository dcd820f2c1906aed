import type { Bound } from "../bounds.ts";
import { boundsOfRules } from "./bounds.ts";
import { measureRules, type RuleFigures } from "./measure.ts";
import { optimisedPrometheus } from "./program.ts";

/** How much is measured. */
export interface Sizes {
  /** Of the labs, growing. */
  readonly instances: readonly number[];
  /** How long the evaluations of the last one are watched, in seconds; of the others half as long. */
  readonly watchSeconds: number;
}

export const wholeSizes: Sizes = { instances: [100, 300, 1000], watchSeconds: 180 };
export const quickSizes: Sizes = { instances: [20, 50], watchSeconds: 65 };

export interface AllRules {
  /** The version of Prometheus. */
  readonly prometheus: string;
  readonly labs: readonly RuleFigures[];
  readonly bounds: readonly Bound[];
}

/** Labs of every size, one after the other, and the bounds over them. */
export async function measureAllRules(
  { instances, watchSeconds }: Sizes,
  { say, signal }: { readonly say: (text: string) => void; readonly signal: AbortSignal },
): Promise<AllRules> {
  const { path, version } = await optimisedPrometheus(({ step }) => say(`Prometheus: ${step}\n`));
  const labs: RuleFigures[] = [];
  for (const [index, count] of instances.entries()) {
    signal.throwIfAborted();
    const isLast = index === instances.length - 1;
    labs.push(
      await measureRules({
        prometheus: path,
        instances: count,
        watchSeconds: isLast ? watchSeconds : watchSeconds / 2,
        say,
        signal,
      }),
    );
  }
  return { prometheus: version, labs, bounds: boundsOfRules(labs) };
}

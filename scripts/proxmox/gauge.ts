import type { Family, Sample } from "../metrics/family.ts";

/** A gauge with its samples; what has no value has no sample. */
export function gauge(name: string, help: string, samples: readonly (Sample | undefined)[]): Family {
  return { name: `lab_${name}`, help, samples: samples.filter((sample) => sample !== undefined) };
}

/** A sample, unless there is no value. */
export function sample(
  labels: Readonly<Record<string, string>>,
  value: number | boolean | undefined,
): Sample | undefined {
  return value === undefined ? undefined : { labels, value: Number(value) };
}

/** What a task's status says: `OK`, `WARNINGS: n` or why it failed; undefined where it never ran. */
export function outcomeOf(status: string | undefined): { ok: boolean; warnings: number } | undefined {
  if (status === undefined) return undefined;
  const warnings = /^WARNINGS: (\d+)$/.exec(status)?.[1];
  return { ok: status === "OK", warnings: Number(warnings ?? 0) };
}

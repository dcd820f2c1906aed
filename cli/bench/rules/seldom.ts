import { promDuration } from "../../../alert-rules/lab.ts";
import type { RuleGroup } from "../../../alert-rules/rule.ts";
import type { RuleFile } from "../../../infra/monitoring/rule-files.ts";

/** Groups that are evaluated more seldom are evaluated so often here: otherwise a measurement would take hours. */
const mostSecondsApart = 120;

/** Rule files as they are delivered, but evaluated often enough to be watched. */
export function seenOften(files: readonly RuleFile[], groups: readonly RuleGroup[]): RuleFile[] {
  const seldom = new Set(
    groups.filter(({ intervalSeconds = 0 }) => intervalSeconds > mostSecondsApart).map(({ name }) => name),
  );
  const interval = `$1${promDuration(mostSecondsApart)}`;
  return files.map((file) =>
    seldom.has(file.name)
      ? { ...file, content: file.content.replace(/^( +interval: ).*$/m, interval) }
      : file,
  );
}

/** How often each group is evaluated where it is delivered, in seconds. */
export function deliveredIntervals(
  groups: readonly RuleGroup[],
  evaluationIntervalSeconds: number,
): ReadonlyMap<string, number> {
  return new Map(
    groups.map(({ name, intervalSeconds = evaluationIntervalSeconds }) => [name, intervalSeconds]),
  );
}

import { parse } from "yaml";
import * as z from "zod";

const ruleFile = z.object({
  groups: z.array(
    z.object({
      name: z.string(),
      rules: z.array(
        z.object({
          alert: z.string().optional(),
          labels: z.record(z.string(), z.string()).default({}),
          annotations: z.record(z.string(), z.string()).default({}),
        }),
      ),
    }),
  ),
});

const expectation = z.object({ exp_labels: z.record(z.string(), z.string()) });

const testFile = z.object({
  tests: z.array(
    z.object({
      name: z.string().optional(),
      promql_expr_test: z
        .array(z.object({ expr: z.string(), exp_samples: z.array(z.unknown()).nullish() }))
        .default([]),
      alert_rule_test: z
        .array(z.object({ alertname: z.string(), exp_alerts: z.array(expectation).nullish() }))
        .default([]),
    }),
  ),
});

/** What is known of one alert at one severity. */
export interface CoveredAlert {
  readonly name: string;
  readonly severity: string;
  readonly group: string;
  /** A test expects it to fire, with its words. */
  readonly isSeenFiring: boolean;
  /** The same test, or another, expects that nothing fires: before, and after. */
  readonly isSeenSilent: boolean;
  readonly summary: string;
}

/**
 * Reads rule files and promtool's tests, as promtool does, and tells which alerts the tests see.
 *
 * @param files the text of each rule file, and those of the tests on it
 */
export function coverageOf(
  files: readonly { readonly rules: string; readonly tests: readonly string[] }[],
): CoveredAlert[] {
  const found = new Map<string, CoveredAlert>();
  for (const { rules, tests } of files) {
    const fired = new Set<string>();
    const silent = new Set<string>();
    for (const test of tests.flatMap((text) => testFile.parse(parse(text)).tests)) {
      const isSilent = test.promql_expr_test.some(
        ({ expr, exp_samples: samples }) => expr.includes("ALERTS") && (samples ?? []).length === 0,
      );
      for (const { alertname, exp_alerts: alerts } of test.alert_rule_test) {
        for (const { exp_labels: labels } of alerts ?? []) {
          const key = `${alertname} ${labels.severity}`;
          fired.add(key);
          if (isSilent) silent.add(key);
        }
      }
    }
    for (const group of ruleFile.parse(parse(rules)).groups) {
      for (const { alert: name, labels, annotations } of group.rules) {
        const { severity = "" } = labels;
        const key = `${name} ${severity}`;
        if (name === undefined || found.has(key)) continue;
        found.set(key, {
          name,
          severity,
          group: group.name,
          isSeenFiring: fired.has(key),
          isSeenSilent: silent.has(key),
          summary: annotations.summary ?? "",
        });
      }
    }
  }
  return [...found.values()];
}

/** Sections that a runbook page has, in this order. */
export const runbookSections = ["Meaning", "Impact", "Check", "Mend", "Verify", "Escalate"] as const;

/** What a runbook page lacks, in a sentence each. */
export function runbookProblems(name: string, page: string | undefined): string[] {
  if (page === undefined) return [`${name}: runbooks/${name}.md is missing`];
  const headings = [...page.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
  return [
    ...(page.startsWith(`# ${name}\n`) ? [] : [`${name}: the page does not begin with "# ${name}"`]),
    ...(headings.join() === runbookSections.join()
      ? []
      : [`${name}: its sections are ${headings.join(", ")} instead of ${runbookSections.join(", ")}`]),
  ];
}

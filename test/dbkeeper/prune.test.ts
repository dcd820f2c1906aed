import fc from "fast-check";
import { expect, test } from "vitest";
import { markBackups } from "../../rehearsal/pbs/prune.ts";
import { planPrune } from "../../scripts/runs/prune.ts";
import { retentionSchema } from "../../scripts/runs/prune-config.ts";

const rules = ["last", "hourly", "daily", "weekly", "monthly", "yearly"] as const;
const start = Date.UTC(2023, 10, 1) / 1000;
/** Seconds since 1970: some close together, some far apart, some around the end of a year. */
const time = fc.oneof(
  fc.integer({ min: start, max: start + 86_400 * 3 }),
  fc.integer({ min: start, max: start + 86_400 * 800 }),
  fc.integer({ min: 0, max: 400 }).map((hours) => Date.UTC(2024, 11, 26) / 1000 + hours * 3600),
);
const runs = fc.uniqueArray(fc.record({ time, finished: fc.integer({ max: 9, min: 0 }).map((n) => n > 0) }), {
  maxLength: 40,
  selector: (run) => run.time,
});
const count = fc.integer({ min: 1, max: 6 });
const policies = fc
  .record(
    Object.fromEntries(rules.map((rule) => [rule, count])) as Record<(typeof rules)[number], typeof count>,
    {
      requiredKeys: [],
    },
  )
  .filter((policy) => Object.keys(policy).length > 0);

const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);

test("runs are kept by the rules that Proxmox Backup Server keeps backups by", () => {
  fc.assert(
    fc.property(runs, policies, (given, policy) => {
      // Above all others, proven: neither an unproven newest run nor the floor of proven ones has a say then.
      const newest = Array.from({ length: 3 }, (_, n) => ({
        time: start + 86_400 * 900 + n,
        finished: true,
      }));
      const all = [...given, ...newest].map((run) => ({ ...run, protected: false }));
      const named = (prefix: (rule: string) => string) =>
        Object.fromEntries(Object.entries(policy).map(([rule, value]) => [prefix(rule), value]));
      const marks = markBackups(
        all,
        named((rule) => `keep-${rule}`),
      );
      const verdicts = planPrune(
        all.map((run) => ({
          id: String(run.time),
          finishedAt: new Date(run.time * 1000),
          validated: run.finished,
          offsite: true,
          retrievedAt: null,
        })),
        retentionSchema.parse(named((rule) => `keep${capital(rule)}`)),
        new Date((start + 86_400 * 901) * 1000),
      );
      const byRule = verdicts.filter(({ rule }) => rule !== "keepValidated" && rule !== "none");
      const kept = [...marks].filter(([, mark]) => mark === "keep").map(([run]) => String(run.time));
      expect(byRule.map(({ id }) => id)).toEqual(kept);
    }),
    { numRuns: 500 },
  );
});

import { createHash } from "node:crypto";
import { availableParallelism } from "node:os";
import { describe, expect, it } from "vitest";
import { mapParallel } from "../scripts/system/parallel.ts";
import { uncheckedGroups } from "./groups.ts";
import type { Alert, RuleGroup } from "./rule.ts";
import { testInventory } from "./testing/inventory.ts";
import { mutantsOf } from "./testing/mutations.ts";
import { alertOf, promtoolTests, rulesUnderTest } from "./testing/promtool.ts";
import { proofsByGroup } from "./testing/proofs.ts";
import { promtool, runPromtool } from "./testing/run-promtool.ts";

const groups = uncheckedGroups(testInventory);

/** Of a hundred wrong rules, so many must be noticed: what the project promises. */
const promisedScore = 0.95;

/** All of them take a quarter of an hour: LAB_MUTATIONS=all. Else one of so many, which its name decides. */
const oneOf = process.env.LAB_MUTATIONS === "all" ? 1 : 16;

describe.skipIf(!promtool)("the proofs", () => {
  it("notice what is wrong with a rule", { timeout: 3_600_000 }, async () => {
    const mutants = groups
      .flatMap((group) => provenAlerts(group).flatMap((alert) => mutantsIn(group, alert)))
      .filter(({ name }) => createHash("sha256").update(name).digest().readUInt32BE() % oneOf === 0);
    const outcomes = await mapParallel(mutants, availableParallelism(), async ({ name, make }) => {
      const { rules, tests } = make();
      return { name, isNoticed: (await runPromtool(rules, tests)) !== "" };
    });
    const survivors = outcomes.filter(({ isNoticed }) => !isNoticed).map(({ name }) => name);
    const score = 1 - survivors.length / outcomes.length;
    console.info(
      `mutation score ${(score * 100).toFixed(1)} % of ${outcomes.length}; not noticed:\n${survivors.join("\n")}`,
    );
    expect(score).toBeGreaterThanOrEqual(promisedScore);
  });
});

/** The rules that a proof is about: of many alike, one for each expected thing, the one that is proven. */
function provenAlerts(group: RuleGroup): Alert[] {
  return [...new Set((proofsByGroup[group.name] ?? []).map((proof) => alertOf(group, proof)))];
}

function mutantsIn(group: RuleGroup, alert: Alert) {
  const proofs = (proofsByGroup[group.name] ?? []).filter(({ alert: name }) => name === alert.name);
  return mutantsOf(alert.expression).map(({ expression, change }) => ({
    name: `${alert.name} ${alert.severity}: ${change}`,
    make: () => {
      const rules = group.rules.map((rule) => (rule === alert ? { ...alert, expression } : rule));
      return {
        rules: rulesUnderTest({ ...group, rules }, groups, testInventory),
        tests: promtoolTests(group, proofs, testInventory),
      };
    },
  }));
}

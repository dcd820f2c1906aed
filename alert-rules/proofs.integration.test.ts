import { describe, expect, it } from "vitest";
import { uncheckedGroups } from "./groups.ts";
import { testInventory } from "./testing/inventory.ts";
import { proofTests } from "./testing/promtool.ts";
import { proofsByGroup } from "./testing/proofs.ts";
import { promtool, runPromtoolOn } from "./testing/run-promtool.ts";

const groups = uncheckedGroups(testInventory);

describe.skipIf(!promtool)("alerts", () => {
  it.each(groups.map((group) => [group.name, group] as const))(
    "of %s fire, wait, say and end as they are proven to",
    async (name, group) => {
      const tests = proofTests(group, groups, proofsByGroup[name] ?? [], testInventory);
      expect(await runPromtoolOn(tests)).toBe("");
    },
    120_000,
  );
});

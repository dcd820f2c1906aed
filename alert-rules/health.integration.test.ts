import { describe, expect, it } from "vitest";
import { uncheckedGroups } from "./groups.ts";
import { healthRecorded } from "./health.recorded.ts";
import { testInventory } from "./testing/inventory.ts";
import { rulesUnderTest, testFile } from "./testing/promtool.ts";
import { promtool, runPromtool } from "./testing/run-promtool.ts";

const groups = uncheckedGroups(testInventory);
const group = groups.find(({ name }) => name === "health");

describe.skipIf(!promtool || !group)("the health of a server", () => {
  it("is that of its parts, and what is not known is not healthy", async () => {
    if (!group) throw new Error("there is no group health");
    const rules = rulesUnderTest(group, groups, testInventory);
    expect(await runPromtool(rules, [testFile(healthRecorded, 1)])).toBe("");
  });
});

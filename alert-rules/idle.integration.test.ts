import { describe, expect, it } from "vitest";
import { uncheckedGroups } from "./groups.ts";
import { renderRuleFile } from "./render.ts";
import { firingAt } from "./testing/expectations.ts";
import { idleInput, idleLab } from "./testing/idle.ts";
import { testInventory } from "./testing/inventory.ts";
import { testFile } from "./testing/promtool.ts";
import { proofsByGroup } from "./testing/proofs.ts";
import { promtool, runPromtool } from "./testing/run-promtool.ts";

/** Longer than most alerts wait, looked at every five minutes. */
const minutes = 7 * 60;

describe.skipIf(!promtool)("a healthy lab in which nothing happens", () => {
  it("fires nothing but the dead man's switch", async () => {
    const rules = uncheckedGroups(testInventory).flatMap((group) => group.rules);
    const test = {
      name: "idle",
      interval: "1m",
      input_series: idleInput(idleLab(Object.values(proofsByGroup).flat()), minutes),
      promql_expr_test: [firingAt(minutes, ["Watchdog none"])],
    };
    const file = renderRuleFile({ name: "all", rules }, testInventory);
    expect(await runPromtool(file, [testFile([test], 5)])).toBe("");
  }, 120_000);
});

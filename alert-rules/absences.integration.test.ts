import { describe, expect, it } from "vitest";
import { uncheckedGroups } from "./groups.ts";
import { renderRuleFile } from "./render.ts";
import { absenceTests, partnerAlerts } from "./testing/absence-tests.ts";
import { absencesOf } from "./testing/absences.ts";
import { idleLab } from "./testing/idle.ts";
import { testInventory } from "./testing/inventory.ts";
import { proofsByGroup } from "./testing/proofs.ts";
import { promtool, runPromtool } from "./testing/run-promtool.ts";

const groups = uncheckedGroups(testInventory);
const healthy = idleLab(Object.values(proofsByGroup).flat());
const absences = absencesOf(groups, proofsByGroup, healthy);

describe.skipIf(!promtool)("an otherwise healthy lab", () => {
  it(`fires the partner of each of ${absences.length} inputs that stop or never came`, async () => {
    const partners = partnerAlerts(groups);
    const rules = renderRuleFile({ name: "partners", rules: partners }, testInventory);
    expect(await runPromtool(rules, absenceTests(absences, partners, healthy))).toBe("");
  }, 120_000);
});

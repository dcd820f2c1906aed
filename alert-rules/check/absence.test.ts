import { expect, it } from "vitest";
import { feeds } from "../absence.ts";
import { uncheckedGroups } from "../groups.ts";
import type { RuleGroup } from "../rule.ts";
import { testInventory } from "../testing/inventory.ts";
import { proofsByGroup } from "../testing/proofs.ts";
import { checkRules } from "./check.ts";

const groups = uncheckedGroups(testInventory);
const without = (name: string, all: readonly RuleGroup[] = groups) =>
  all.map((group) => ({ ...group, rules: group.rules.filter((rule) => rule.name !== name) }));

it("refuses an alert, by file and line, whose input may vanish without any alert telling", () => {
  expect(() => checkRules(without("ProxwatchStale"), testInventory)).toThrow(
    /^alert-rules\/proxmox\.ts:\d+: \w+: lab_pve_\w+ may vanish unnoticed: none of ProxwatchStale is in the rule set$/m,
  );
});

it("sees through what is recorded", () => {
  const recorded = groups.filter(({ name }) => name === "slo");
  expect(() => checkRules(recorded, testInventory)).toThrow(
    /PostgresAvailabilityBudgetBurn: pg_up may vanish unnoticed: none of TargetMissing is in the rule set$/m,
  );
});

it("asks for no partner of what a site has not", () => {
  const site = { ...testInventory, clusters: [], hasKubernetes: false };
  expect(() => checkRules(uncheckedGroups(site), site)).not.toThrow();
});

it("has each partner seen firing when its series have gone", () => {
  const seen = new Set(
    Object.values(proofsByGroup)
      .flat()
      .filter(({ bad }) => Object.values(bad).includes("absent"))
      .map(({ alert }) => alert),
  );
  const partners = [...new Set(feeds.flatMap((feed) => feed.partners))];
  expect(partners.filter((partner) => !seen.has(partner))).toEqual([]);
});

import { expect, it } from "vitest";
import { feeds } from "../absence.ts";
import { uncheckedGroups } from "../groups.ts";
import { testInventory } from "../testing/inventory.ts";
import { proofsByGroup } from "../testing/proofs.ts";
import { unpartnered } from "./absence.ts";

// A site that lacks a part, such as a cluster, rightly lacks its partners too: so the site with one of everything.
const groups = uncheckedGroups(testInventory);

it("has somebody who notices it when what alerts read comes no more", () => {
  expect(unpartnered(groups).map(({ rule, message }) => `${rule.name}: ${message}`)).toEqual([]);
});

it("complains where nobody would", () => {
  const without = groups.map((group) => ({
    ...group,
    rules: group.rules.filter(({ name }) => name !== "ProxwatchStale"),
  }));
  const [first] = unpartnered(without);
  expect(first?.message).toMatch(/may vanish unnoticed: none of ProxwatchStale is in the rule set$/);
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

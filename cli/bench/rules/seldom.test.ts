import { expect, it } from "vitest";
import { renderRuleFile } from "../../../alert-rules/render.ts";
import { record } from "../../../alert-rules/rule.ts";
import { testInventory } from "../../../alert-rules/testing/inventory.ts";
import { deliveredIntervals, seenOften } from "./seldom.ts";

const rules = [record({ name: "a:b", expression: "up" })];
const groups = [
  { name: "seldom", intervalSeconds: 1800, rules },
  { name: "often", intervalSeconds: 60, rules },
  { name: "plain", rules },
];
const files = groups.map((group) => ({ name: group.name, content: renderRuleFile(group, testInventory) }));

it("evaluates seldom groups often enough to be watched, and others as they are delivered", () => {
  const intervals = seenOften(files, groups).map(({ content }) => /interval: (\S+)/.exec(content)?.[1]);
  expect(intervals).toEqual(["2m", "1m", undefined]);
});

it("counts each group by the interval that is delivered", () => {
  expect([...deliveredIntervals(groups, 15).values()]).toEqual([1800, 60, 15]);
});

import { expect, it } from "vitest";
import lab from "../../stacks/lab.ts";
import { parseSite } from "../site.ts";
import { inventoryOf } from "./inventory.ts";
import { renderRules, ruleFiles } from "./rule-files.ts";

it("keeps for a site what it would render again, and nothing of another site", async () => {
  const input = lab();
  const inventory = inventoryOf(parseSite(input));
  const slower = inventoryOf(parseSite({ ...input, monitoring: { ...input.monitoring, pace: 2 } }));
  const fresh = await renderRules(inventory);
  expect(await ruleFiles(inventory)).toEqual(fresh);
  expect(await ruleFiles(inventory)).toEqual(fresh);
  expect(await ruleFiles(slower)).not.toEqual(fresh);
});

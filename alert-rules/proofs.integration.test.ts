import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findTool } from "../tools/find.ts";
import { ruleGroups } from "./groups.ts";
import { testInventory } from "./testing/inventory.ts";
import { promtoolTest, rulesUnderTest } from "./testing/promtool.ts";
import { proofsByGroup } from "./testing/proofs.ts";

const promtool = (await findTool("promtool"))?.path;
if (!promtool) console.warn("skipped: promtool is missing; ./lab doctor says how to get it");

const groups = ruleGroups(testInventory);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lab-rules-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.skipIf(!promtool)("alerts", () => {
  it.each(groups.map((group) => [group.name, group] as const))(
    "of %s fire, wait, say and end as they are proven to",
    async (name, group) => {
      const own = join(folder, name);
      await mkdir(own);
      await writeFile(join(own, "rules.yml"), rulesUnderTest(group, groups, testInventory));
      await writeFile(join(own, "test.yml"), promtoolTest(group, proofsByGroup[name] ?? [], testInventory));
      const argv = ["test", "rules", join(own, "test.yml")];
      const { exitCode, all } = await execa(promtool ?? "", argv, { all: true, reject: false });
      expect(exitCode === 0 ? "" : all).toBe("");
    },
  );
});

import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { uncheckedGroups } from "./groups.ts";
import { testInventory } from "./testing/inventory.ts";
import { proofsByGroup } from "./testing/proofs.ts";
import { recordedByGroup } from "./testing/recorded.ts";
import { promtool } from "./testing/run-promtool.ts";
import { unnoticed } from "./testing/trial.ts";
import { subjectsOf, wrongRulesOf } from "./testing/wrong-rules.ts";

/** Of a hundred wrong rules, so many must be noticed: what the project promises. */
const promisedScore = 0.95;

/** LAB_MUTATIONS=all tries every one. Else one of so many, which its name decides. */
const oneOf = process.env.LAB_MUTATIONS === "all" ? 1 : 8;

const groups = uncheckedGroups(testInventory);

describe.skipIf(!promtool)("the proofs", () => {
  it("notice what is wrong with a rule", { timeout: 3_600_000 }, async () => {
    const wrongs = wrongRulesOf(subjectsOf(groups, proofsByGroup, recordedByGroup)).filter(
      ({ name }) => createHash("sha256").update(name).digest().readUInt32BE() % oneOf === 0,
    );
    const survivors = (await unnoticed(wrongs, testInventory)).map(({ name }) => name);
    const score = 1 - survivors.length / wrongs.length;
    console.info(
      `mutation score ${(score * 100).toFixed(1)} % of ${wrongs.length}; not noticed:\n${survivors.join("\n")}`,
    );
    expect(score).toBeGreaterThanOrEqual(promisedScore);
  });
});

import { describe, expect, it } from "vitest";
import { psql } from "../../rehearsal/dataset/seed.ts";
import { execInGuest } from "../../rehearsal/guests/exec.ts";
import type { Instance } from "../../rehearsal/lab/instance.ts";
import { waitFor } from "../../rehearsal/lib/wait.ts";
import { type RunbookLab, runbookLab } from "../runbooks/lab.ts";
import { readRunbooks } from "../runbooks/pages.ts";
import { failuresOf, summaryOf } from "../runbooks/report.ts";
import { runBlocks } from "../runbooks/run.ts";
import type { Checkout } from "./checkout.ts";

/** What the pages of `runbooks/` tell somebody to type, typed. */
export function runbookTests(checkout: () => Checkout, instance: () => Instance): void {
  describe("the runbooks", () => {
    let lab: RunbookLab;

    it("have commands that work and say something, each in its place", async () => {
      lab = await runbookLab(instance());
      const { blocks } = await readRunbooks();
      const outcomes = await runBlocks(blocks, lab);
      console.info(summaryOf(blocks, outcomes));
      const failures = failuresOf(outcomes);
      expect(failures, failures.join("\n")).toEqual([]);
      expect(outcomes.length).toBeGreaterThan(0);
    }, 600_000);

    it("leave a lab that is well", async () => {
      const streaming = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming';";
      await waitFor(async () => (await psql(lab.guests.primary, "postgres", streaming)).trim() === "1", {
        what: "the standby to stream",
        timeoutSeconds: 30,
      });
      for (const place of Object.values(lab.guests)) {
        const failed = ["systemctl", "--failed", "--no-legend", "--plain"] as const;
        expect((await execInGuest(place, failed)).stdout).toBe("");
      }
      const { services } = await checkout().status();
      expect(services.filter(({ state }) => state !== "running")).toEqual([]);
    });
  });
}

import { beforeAll, describe, expect, it } from "vitest";
import type { Source } from "../../alert-rules/metrics/catalogue.ts";
import type { GuestPlace } from "../../rehearsal/guests/guest.ts";
import { breaches } from "../metrics/contract.ts";
import { type LabPage, pagesOf } from "../metrics/lab-pages.ts";
import { readByRules } from "../metrics/read-by-rules.ts";

const programs = {
  node: "node_exporter",
  postgres: "postgres_exporter",
  prometheus: "prometheus",
  alertmanager: "alertmanager",
};

/** What a guest that is a container does not see: the clock is the machine's. */
const hidden = /^node_timex_/;

const roleOf = (instance: string) => (instance === "proj-pg02" ? "standby" : "primary");

/** What the rules read of each program, on the pages that Prometheus is shown by the guests. */
export function metricTests(monitoring: () => GuestPlace): void {
  describe("what the guests show Prometheus", () => {
    let pages: LabPage[];

    beforeAll(async () => {
      pages = await pagesOf(monitoring());
    });

    it.each(Object.entries(programs))("of %s is what its rules read", (job, program) => {
      const source = readByRules(program);
      const shown = Object.entries(source.metrics).filter(([name]) => !hidden.test(name));
      const expected: Source = { ...source, metrics: Object.fromEntries(shown) };
      const ofJob = pages.filter((page) => page.job === job);
      expect(ofJob).not.toEqual([]);
      for (const { instance, page } of ofJob) {
        expect(breaches(expected, page, roleOf(instance)), instance).toEqual([]);
        const [name = "", family] = shown.find(([, { roles }]) => roles === undefined) ?? [];
        if (!family) throw new Error(`rules read nothing of ${program} on all its servers`);
        const misspelt = { ...expected, metrics: { [`${name}_misspelt`]: family } };
        expect(breaches(misspelt, page, roleOf(instance))).toEqual([`${name}_misspelt is gone`]);
      }
    });
  });
}

import { describe, expect, it } from "vitest";
import { labOf } from "./lab.ts";
import { testInventory } from "./testing/inventory.ts";

const paced = (pace: number) =>
  labOf({ ...testInventory, pace, scrapeIntervalSeconds: 5, evaluationIntervalSeconds: 5 });

describe("a site's pace", () => {
  it("leaves waits and windows as they are at 1", () => {
    expect([paced(1).hold(300), paced(1).window(300)]).toEqual([300, "5m"]);
  });

  it("shortens waits to whole evaluations", () => {
    expect(paced(0.01).hold(3600)).toBe(40);
  });

  it("waits for three looks at least, but never longer than the rule says", () => {
    expect([paced(0.01).hold(300), paced(0.01).hold(10), paced(0.01).hold(0)]).toEqual([15, 10, 0]);
  });

  it("evaluates slow groups more often where it is quick, but never more seldom", () => {
    expect([0.01, 0.5, 1, 4].map((pace) => paced(pace).every(240))).toEqual([5, 120, 240, 240]);
  });

  it("keeps windows wide enough for four scrapes", () => {
    expect(paced(0.01).window(300)).toBe("20s");
  });
});

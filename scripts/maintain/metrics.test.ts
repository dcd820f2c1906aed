import { expect, test } from "vitest";
import { maintainFamilies } from "./metrics.ts";
import type { MaintenanceState } from "./result.ts";

const time = "2026-06-01T04:00:00.000Z";
const state: MaintenanceState = {
  formatVersion: 1,
  tasks: ["vacuum", "bloat"],
  startedAt: time,
  finishedAt: time,
  gaveWay: false,
  results: [
    {
      database: "d",
      schema: "s",
      name: "t",
      action: "vacuum",
      why: "w",
      outcome: "done",
      reason: null,
      durationSeconds: 1,
    },
    {
      database: "d",
      schema: "s",
      name: "u",
      action: "vacuum",
      why: "w",
      outcome: "locked",
      reason: "r",
      durationSeconds: 1,
    },
  ],
  figures: [{ database: "d", bytes: 5000, tables: 2, deadRows: 7 }],
  bloat: ["a", "b"].map((name) => ({
    database: "d",
    schema: "s",
    name,
    kind: "table" as const,
    bytes: 100,
    bloatBytes: 40,
    method: "estimated" as const,
  })),
  failed: [],
};

test("what was considered has samples, also where there are none of it; what was not has none", () => {
  const [items, bloat, sizes, dead] = maintainFamilies("pg01", state);
  const counted = items?.samples.map(({ labels, value }) => `${labels.action} ${labels.outcome} ${value}`);
  expect(counted).toEqual([
    "vacuum done 1",
    "vacuum locked 1",
    "vacuum not-permitted 0",
    "vacuum gone 0",
    "vacuum failed 0",
    "vacuum left-out 0",
  ]);
  expect(bloat?.samples).toEqual([
    { labels: { cluster: "pg01", database: "d", kind: "table", method: "estimated" }, value: 80 },
  ]);
  expect([sizes, dead].map((family) => family?.samples[0]?.value)).toEqual([5000, 7]);
});

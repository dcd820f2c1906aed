import { expect, test } from "vitest";
import type { Session } from "../postgres/session.ts";
import { analyzeNeed, reindexNeed, type TableState, vacuumNeed } from "./choose.ts";
import { maintainSchema } from "./config.ts";
import { perform } from "./work.ts";

const config = maintainSchema.parse({});
const table: TableState = {
  schema: "public",
  name: "voids",
  isPartitioned: false,
  liveRows: 90_000,
  deadRows: 0,
  changedRows: 0,
  everAnalyzed: true,
  age: 100,
  mayMaintain: true,
};

test.each([
  [{}, undefined],
  [{ deadRows: 9_999 }, undefined],
  [{ deadRows: 10_000 }, { why: "10000 dead rows (10 %)", freeze: false }],
  [{ liveRows: 0, deadRows: 999 }, undefined],
  [{ age: 150_000_000 }, { why: "its oldest row is 150000000 transactions old", freeze: true }],
  [{ isPartitioned: true, age: 150_000_000 }, undefined],
])("a table with %j is vacuumed: %j", (changes, need) => {
  expect(vacuumNeed({ ...table, ...changes }, config)).toEqual(need);
});

test.each([
  [{}, undefined],
  [{ changedRows: 4_499 }, undefined],
  [{ changedRows: 4_500 }, "4500 rows changed (5 %)"],
  [{ liveRows: 0, changedRows: 999 }, undefined],
  [{ everAnalyzed: false }, "was never analyzed"],
  [{ everAnalyzed: false, liveRows: 999 }, undefined],
])("a table with %j is analyzed: %j", (changes, need) => {
  expect(analyzeNeed({ ...table, ...changes }, config)).toBe(need);
});

test.each([
  [200 << 20, null, undefined],
  [200 << 20, 79 << 20, undefined],
  [200 << 20, 80 << 20, "40 % of it is bloat"],
  [100 << 20, 63 << 20, undefined],
  [0, 0, undefined],
])("an index of %i bytes with %j bytes of bloat is built anew: %j", (bytes, bloatBytes, need) => {
  expect(reindexNeed({ schema: "s", name: "i", bytes, bloatBytes, mayReindex: true }, config)).toBe(need);
});

test.each([
  ["55P03", "locked"],
  ["42P01", "gone"],
  ["42501", "not-permitted"],
  ["XX000", "failed"],
])(
  "the server's error %s is %s, and nothing of a statement that it stops counts as done",
  async (code, outcome) => {
    const error = Object.assign(new Error("no"), { code });
    expect(await attempt(async () => Promise.reject(error), undefined)).toMatchObject({ outcome });
  },
);

test("after the end of the window nothing begins", async () => {
  let begun = false;
  const result = await attempt(async () => {
    begun = true;
  }, "the window has ended");
  expect(result).toMatchObject({ outcome: "left-out", reason: "the window has ended" });
  expect(begun).toBe(false);
});

async function attempt(execute: Session["execute"], stopReason: string | undefined) {
  const session = { execute } as Session;
  const item = { database: "d", schema: "s", name: "t", action: "vacuum", why: "w" } as const;
  const stop = { signal: new AbortController().signal, reason: () => stopReason };
  return await perform({ report: { event: () => undefined } }, session, { item, statement: "vacuum" }, stop);
}

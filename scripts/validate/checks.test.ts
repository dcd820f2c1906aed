import { expect, test } from "vitest";
import { checksFor, checksWithoutDatabase, shortfall } from "./checks.ts";
import { checksSchema } from "./config.ts";

test.each([
  ["rows", { rows: 1, value: null }, null],
  ["rows", { rows: 0, value: null }, "found no rows"],
  ["no-rows", { rows: 0, value: null }, null],
  ["no-rows", { rows: 2, value: "1" }, "found 2 rows instead of none"],
  [{ equals: 5 }, { rows: 1, value: "5.00" }, null],
  [{ equals: 0 }, { rows: 1, value: "" }, 'found "" instead of 0'],
  [{ equals: 0 }, { rows: 1, value: null }, "found null instead of 0"],
  [{ equals: "5" }, { rows: 1, value: "5.00" }, 'found "5.00" instead of "5"'],
  [{ equals: true }, { rows: 1, value: "true" }, null],
  [{ equals: null }, { rows: 1, value: null }, null],
  [{ equals: null }, { rows: 0, value: null }, "found 0 rows instead of one"],
  [{ equals: "a" }, { rows: 2, value: "a" }, "found 2 rows instead of one"],
] as const)("expecting %j, %j gives %j", (expectation, found, reason) => {
  expect(shortfall(expectation, found)).toBe(reason);
});

test("a check concerns all databases, or those that it names", () => {
  const checks = checksSchema.parse([
    { name: "everywhere", sql: "select 1;\n" },
    { name: "desi", databases: ["desi", "gone"], sql: "select 1" },
  ]);
  expect(checks[0]).toMatchObject({ databases: "all", sql: "select 1", expect: "rows", timeoutSeconds: 60 });
  expect(checksFor(checks, "desi").map(({ name }) => name)).toEqual(["everywhere", "desi"]);
  expect(checksFor(checks, "other").map(({ name }) => name)).toEqual(["everywhere"]);
  expect(checksWithoutDatabase(checks, ["desi"])).toEqual([{ check: "desi", database: "gone" }]);
});

test("two checks of one name, and a check without a query, are refused", () => {
  const check = { name: "a", sql: "select 1" };
  expect(checksSchema.safeParse([check, check]).error?.issues[0]?.message).toBe("names must differ");
  expect(checksSchema.safeParse([{ name: "a", sql: " ; " }]).success).toBe(false);
});

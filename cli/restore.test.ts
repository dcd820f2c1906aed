import { expect, test } from "vitest";
import { createProgram } from "./main.ts";
import { restoreArguments } from "./restore.ts";

test("what is wanted becomes a command of the host's dbkeeper", () => {
  expect(
    restoreArguments({
      run: "20260601T020000Z",
      database: ["desi", "--odd"],
      to: "recovery",
      globals: true,
      replace: true,
      dryRun: true,
    }),
  ).toEqual([
    ...["restore", "--database", "desi", "--database", "--odd", "--into", "recovery"],
    ...["--globals", "--replace", "--dry-run", "--", "20260601T020000Z"],
  ]);
  expect(restoreArguments({ database: ["desi"], as: "desi_check", yes: true })).toEqual([
    ...["restore", "--database", "desi", "--as", "desi_check", "--yes"],
  ]);
});

test("a list of the runs restores nothing, whatever else is said", () => {
  expect(restoreArguments({ list: true, all: true, replace: true, yes: true })).toEqual(["status"]);
});

test("every option reaches the host", () => {
  const command = createProgram().commands.find((candidate) => candidate.name() === "restore");
  const values = { list: undefined, run: "r", database: ["d"], as: "a", to: "t" };
  for (const option of command?.options ?? []) {
    const name = option.attributeName();
    if (name === "list") continue;
    const value = name in values ? values[name as keyof typeof values] : true;
    expect(restoreArguments({ [name]: value }).length, name).toBeGreaterThan(1);
  }
});

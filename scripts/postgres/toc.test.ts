import { expect, test } from "vitest";
import { selectEntries } from "./toc.ts";

const listing = [
  "; Archive created at 2026-06-01",
  "2; 3079 16385 EXTENSION - pg_stat_statements ",
  "3399; 0 0 COMMENT - EXTENSION pg_stat_statements ",
  "3; 3079 16400 EXTENSION - pg_trgm ",
  "215; 1259 16387 TABLE public PUBLICATION owner",
  "3300; 0 16387 TABLE DATA public PUBLICATION owner",
  "3200; 3466 16500 EVENT TRIGGER - guard owner",
  "3201; 6104 16501 PUBLICATION - everything owner",
  "3202; 6106 16502 PUBLICATION TABLE public everything galaxies owner",
  "3203; 6100 16503 SUBSCRIPTION - feed owner",
  "3204; 0 0 COMMENT - SUBSCRIPTION feed owner",
].join("\n");
const untrustedExtensions = new Set(["pg_stat_statements", "postgres_fdw"]);
const asOwner = { superuser: false, untrustedExtensions };

const idsIn = (list: string) => list.split("\n").flatMap((line) => /^(\d+);/.exec(line)?.[1] ?? []);

test("a role without superuser rights leaves out what it may not create, and says so", () => {
  const { list, leftOut } = selectEntries(listing, asOwner);
  expect(idsIn(list)).toEqual(["3", "215", "3300"]);
  expect(leftOut).toHaveLength(7);
});

test("a superuser leaves out subscriptions only: a drill must not replicate", () => {
  const { leftOut } = selectEntries(listing, { superuser: true, untrustedExtensions });
  expect(leftOut).toEqual(["SUBSCRIPTION - feed owner", "COMMENT - SUBSCRIPTION feed owner"]);
});

const foreign = [
  "9; 2615 1 FOREIGN TABLE public far owner",
  ";\tdepends on: 8",
  "7; 3079 1 EXTENSION - postgres_fdw ",
  "8; 1417 1 SERVER - elsewhere owner",
  ";\tdepends on: 7 3",
  "10; 1259 1 VIEW public seen owner",
  ";\tdepends on: 9",
  "11; 0 0 TABLE DATA ext configuration owner",
  ";\tdepends on: 7",
  "12; 1259 1 TABLE public near owner",
  "13; 0 0 ACL public TABLE near owner",
  ";\tdepends on: 12",
];

test("what depends on something that is left out is left out with it, through any number of steps", () => {
  const { list, leftOut } = selectEntries(foreign.join("\n"), asOwner);
  expect(idsIn(list)).toEqual(["12", "13"]);
  expect(leftOut).toHaveLength(6);
  expect(leftOut).toContain("VIEW public seen owner");
  expect(leftOut.at(-1)).toBe("privileges (1)");
});

test("a table that cannot be restored is no verdict on the dump", () => {
  const table = ["14; 1259 1 TABLE public places owner", ";\tdepends on: 7"];
  const select = () => selectEntries([...foreign, ...table].join("\n"), asOwner);
  expect(select).toThrow(/TABLE public places owner needs .*EXTENSION - postgres_fdw.*restoreInto/);
  expect(select).toThrow(expect.objectContaining({ kind: "preflight" }));
});

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
const untrustedExtensions = new Set(["pg_stat_statements"]);

test("a role without superuser rights leaves out what it may not create, and says so", () => {
  const { list, leftOut } = selectEntries(listing, { superuser: false, untrustedExtensions });
  expect(list.split("\n").map((line) => line.split(";")[0])).toEqual(["", "3", "215", "3300"]);
  expect(leftOut).toHaveLength(7);
});

test("a superuser leaves out subscriptions only: a drill must not replicate", () => {
  const { leftOut } = selectEntries(listing, { superuser: true, untrustedExtensions });
  expect(leftOut).toEqual(["SUBSCRIPTION - feed owner", "COMMENT - SUBSCRIPTION feed owner"]);
});

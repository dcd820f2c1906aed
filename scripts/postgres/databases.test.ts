import { expect, test } from "vitest";
import { entryFor } from "../testing/manifests.ts";
import { type ListedDatabase, selectDatabases } from "./databases.ts";
import { newScratchName } from "./scratch-name.ts";

const database = (name: string, differences: Partial<ListedDatabase> = {}): ListedDatabase => ({
  name,
  isTemplate: false,
  allowsConnections: true,
  isInvalid: false,
  bytes: null,
  locale: entryFor(name).locale,
  ...differences,
});

const scratch = newScratchName();
const listed = [
  database("proj_a"),
  database("proj_b"),
  database("proj_old"),
  database("web"),
  database("template1", { isTemplate: true }),
  database("closed", { allowsConnections: false }),
  database("broken", { isInvalid: true }),
  database(scratch),
];

const choose = (wanted: "all" | string[]) => {
  const { chosen, skipped, failed } = selectDatabases(listed, wanted);
  return { chosen: chosen.map(({ name }) => name), skipped: skipped.map(({ name }) => name), failed };
};

test("all is every database that a user made and that takes connections", () => {
  expect(choose("all")).toEqual({
    chosen: ["proj_a", "proj_b", "proj_old", "web"],
    skipped: ["template1", "closed", "broken", scratch],
    failed: [],
  });
  expect(choose(["*"])).toEqual(choose("all"));
});

test("a glob takes what it matches, and an exclusion wins wherever it stands", () => {
  expect(choose(["!proj_o*", "proj_*"])).toEqual({
    chosen: ["proj_a", "proj_b"],
    skipped: ["proj_old"],
    failed: [],
  });
  expect(choose(["web", "!web"])).toEqual({ chosen: [], skipped: ["web"], failed: [] });
});

test("exclusions alone leave out of all", () => {
  expect(choose(["!proj_*", "!nowhere"]).chosen).toEqual(["web"]);
});

test("what is asked for and cannot be had is a failure, never silence", () => {
  expect(choose(["web", "nowhere", "x*", "closed", "template1"])).toEqual({
    chosen: ["web", "template1"],
    skipped: [],
    failed: [
      { name: "closed", reason: "does not allow connections" },
      { name: "nowhere", reason: "is not on the server" },
      { name: "x*", reason: "matches no database" },
    ],
  });
});

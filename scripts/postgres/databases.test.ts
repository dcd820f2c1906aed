import { expect, test } from "vitest";
import { entryFor } from "../testing/manifests.ts";
import { type ListedDatabase, listDatabases, selectDatabases } from "./databases.ts";
import { newScratchName } from "./scratch-name.ts";
import type { Session } from "./session.ts";

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

test("a database that is dropped between its row and its size is no reason to fail, another error is", async () => {
  const answering = (code: string, times: number) => {
    let failures = 0;
    const rows = async () => {
      if (failures++ < times)
        throw Object.assign(new Error("database with OID 16999 does not exist"), { code });
      return [{ known: false, row: { datname: "a" }, encoding: "UTF8", bytes: null }];
    };
    const session = { rows: rows as Session["rows"], execute: never, cancel: never, close: never };
    return listDatabases(session);
  };
  await expect(answering("3D000", 3)).resolves.toHaveLength(1);
  await expect(answering("3D000", 100)).rejects.toThrow("does not exist");
  await expect(answering("57P01", 1)).rejects.toThrow("does not exist");
});

async function never(): Promise<void> {
  throw new Error("not asked for");
}

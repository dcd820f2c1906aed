import fc from "fast-check";
import { expect, test } from "vitest";
import { packageOf } from "../postgres/packages.ts";
import { passwordIn } from "../postgres/password-file.ts";
import { entryFor, manifestFor, validationFor } from "../testing/manifests.ts";
import { collectErrors } from "./errors.ts";
import { parseKeptName } from "./kept.ts";
import { formatPlan, planRestore, type RestoreItem, type RestoreWish, type TargetState } from "./plan.ts";
import { replacedName } from "./swap.ts";

const wish: RestoreWish = { databases: "all", globals: false, replace: false, unvalidated: false, jobs: 2 };
const entries = ["desi", "voids"].map((name) => ({
  ...entryFor(name),
  databaseBytes: 100,
  extensions: [{ name: "postgis", version: "3.3.2" }],
}));
const manifest = manifestFor({
  databases: entries,
  validation: validationFor("restore", "passed", ["desi", "voids"]),
});
const items = entries.map(
  (entry): RestoreItem => ({ entry, name: entry.name, roles: ["keeper"], tablespaces: ["pg_default"] }),
);
const state: TargetState = {
  major: 16,
  superuser: true,
  role: "postgres",
  databases: [{ name: "postgres", bytes: 1, sessions: 0 }],
  roles: ["keeper"],
  tablespaces: ["pg_default"],
  extensions: ["plpgsql", "postgis"],
  freeBytes: 400,
  collationVersions: new Map(),
};
const options = { minimumFreeBytes: 0, createdRoles: [], createdTablespaces: [], newestProven: "" };
const plan = (
  changes: { wish?: Partial<RestoreWish>; state?: Partial<TargetState>; manifest?: Partial<typeof manifest> },
  more: Partial<typeof options> = {},
) =>
  planRestore(
    { id: "run", manifest: { ...manifest, ...changes.manifest } },
    { ...wish, ...changes.wish },
    items,
    { ...state, ...changes.state },
    { ...options, ...more },
  );

test("nothing speaks against a proven run, a target with room, and free names", () => {
  expect(plan({})).toMatchObject({ problems: [], notes: [], neededBytes: 400, estimatedSeconds: 1 });
});

test.each([
  ["a run that was not proven", { manifest: { validation: null } }, /not proven by restoring/],
  ["an older server", { state: { major: 15 } }, /cannot be restored to 15/],
  [
    "a database that exists",
    { state: { databases: [{ name: "desi", bytes: 1, sessions: 0 }] } },
    /"desi" exists/,
  ],
  ["a missing role", { state: { roles: [] } }, /role "keeper" is missing/],
  ["a missing tablespace", { state: { tablespaces: [] } }, /tablespace "pg_default" is missing/],
  [
    "a missing extension",
    { state: { extensions: ["plpgsql"] } },
    /"postgis" is not installed .*usually postgresql-16-postgis-3$/,
  ],
  ["a role that is no superuser", { state: { superuser: false } }, /"postgres" is no superuser/],
  ["a full disk", { state: { freeBytes: 399 } }, /has 399 B free/],
  ["a database that the run lacks", { wish: { databases: ["desi", "moon"] } }, /no database "moon"/],
])("%s refuses the restore", (_what, changes, problem) => {
  const { problems } = plan(changes);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(problem);
});

test("a run that was not proven is refused with the newest one that was", () => {
  const [problem] = plan({ manifest: { validation: null } }, { newestProven: "20260601T020000Z" }).problems;
  expect(problem).toContain("20260601T020000Z is the newest that was");
});

test.each([
  ["pg_trgm", "postgresql-16"],
  ["plpython3u", "postgresql-plpython3-16"],
  ["hstore_plperl", "postgresql-plperl-16"],
  ["address_standardizer", "postgresql-16-postgis-3"],
  ["vector", "postgresql-16-pgvector"],
  ["ogr_fdw", "postgresql-16-ogr-fdw"],
])("the extension %s is brought by %s", (extension, name) => {
  expect(packageOf(extension, 16)).toBe(name);
});

test("a plan says of what time it is, whether it is proven, how much it is and how long it takes", () => {
  const lines = formatPlan(
    plan({}),
    manifest,
    "db2 port 5432",
    new Date(Date.parse(manifest.startedAt) + 7200e3),
  );
  expect(lines[0]).toBe("Restore from run run of pg01 to db2 port 5432:");
  expect(lines[1]).toMatch(/^ {2}as it was 2\.0 h ago .*; proven by restoring it/);
  expect(lines.join("\n")).toMatch(/time: about 1\.0 s; space: 400 B of 400 B free/);
});

test.each([
  ["desi", String.raw`first:light\night`],
  ["other", "by a wildcard"],
  ["nobody", undefined],
])("the password for the role %s is the first that fits", (role, expected) => {
  const text =
    "# db2:5432:*:desi:comment\ndb1:5432:*:desi:another\ndb2:5432:*:desi:first\\:light\\\\night\n*:*:*:other:by a wildcard\n";
  expect(passwordIn(text, ["db2", "5432", "postgres", role])).toBe(expected);
});

test("what the globals bring is not missing, and what is replaced is said", () => {
  const databases = [{ name: "desi", bytes: 1, sessions: 3 }];
  const { problems, notes } = plan(
    { state: { roles: [], databases }, wish: { replace: true } },
    { createdRoles: ["keeper"] as never[] },
  );
  expect(problems).toEqual([]);
  expect(notes).toEqual(['"desi" on the target stays under another name and its 3 sessions end']);
});

test("the name of a replaced database is new, fits, and begins like the old one", () => {
  const now = new Date("2026-06-01T02:00:00Z");
  const names = fc.string({ minLength: 1, maxLength: 63, unit: "grapheme" });
  fc.assert(
    fc.property(names, (name) => {
      const first = replacedName(name, now, []);
      const second = replacedName(name, now, [first]);
      expect(second).not.toBe(first);
      for (const kept of [first, second]) {
        expect(Buffer.byteLength(kept)).toBeLessThanOrEqual(63);
        expect(name.startsWith(kept.replace(/_replaced_\d{8}T\d{6}Z$/, ""))).toBe(true);
      }
    }),
  );
  expect(replacedName("desi", now, [])).toBe("desi_replaced_20260601T020000Z");
  fc.assert(
    fc.property(names, (name) => {
      // What was cut is not taken for a name.
      expect([name, null]).toContain(parseKeptName(replacedName(name, now, []))?.was);
    }),
  );
  expect(parseKeptName("desi_replaced_20260601T020000Z")).toEqual({
    was: "desi",
    replacedAt: "2026-06-01T02:00:00Z",
  });
});

test("errors of pg_restore are counted and named with their objects, in whatever pieces they arrive", () => {
  const text = [
    "pg_restore: while PROCESSING TOC:",
    "pg_restore: from TOC entry 215; 1259 16387 TABLE galaxies keeper",
    'pg_restore: error: could not execute query: ERROR:  role "keeper" does not exist',
    "Command was: ALTER TABLE public.galaxies OWNER TO keeper;",
    "pg_restore: error: could not execute query: ERROR:  division by zero",
    "Command was: REFRESH MATERIALIZED VIEW public.broken;",
    "",
    "pg_restore: warning: errors ignored on restore: 7",
  ].join("\n");
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), (size) => {
      const errors = collectErrors();
      for (let at = 0; at < text.length; at += size) errors.take(text.slice(at, at + size));
      expect(errors.result()).toEqual({
        count: 7,
        first: [
          'TABLE galaxies keeper: could not execute query: ERROR:  role "keeper" does not exist',
          "REFRESH MATERIALIZED VIEW public.broken: could not execute query: ERROR:  division by zero",
        ],
      });
    }),
  );
});

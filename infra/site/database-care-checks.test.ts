import { expect, test } from "vitest";
import lab from "../../stacks/lab.ts";
import { parseSite } from "../site.ts";
import { type Broken, refuses } from "./testing.ts";

const recipient = "age1kmrmfuk2uedfmjr9e69hs856u8tc66lm3q0tnmz8afyz8hd7g3tsnwgaj5";
const cluster = (site: Broken) => site.databases.postgres[0];

test("what a site says nothing of is as it always was", () => {
  const [parsed] = parseSite(lab()).databases.postgres;
  expect(parsed).toMatchObject({
    dump: { format: "auto", lockWaitTimeoutSeconds: 300, minimumFreeGib: 5 },
    maintenance: { windowMinutes: 120, lockTimeoutSeconds: 5 },
    checks: [],
  });
  expect(parsed?.encryption).toBeUndefined();
  expect(parsed?.dump.databases).toBeUndefined();
});

refuses("Settings of dumps, checks and maintenance that are wrong", [
  [
    "a window that is longer than a day",
    (s) => {
      cluster(s).maintenance = { windowMinutes: 1441 };
    },
    "databases.postgres[0].maintenance.windowMinutes: 1441: it is not valid; allowed: a whole number from 1 to 1440",
  ],
  [
    "a lock timeout that waits for ever",
    (s) => {
      cluster(s).maintenance = { lockTimeoutSeconds: 0 };
    },
    "databases.postgres[0].maintenance.lockTimeoutSeconds: 0: it is not valid; allowed: a whole number from 1 to 600",
  ],
  [
    "an owner that is a superuser, one that is a role of the lab and one twice",
    (s) => {
      cluster(s).maintenance = { owners: ["postgres", "iperius_backup_pg01", "desi", "desi"] };
    },
    'databases.postgres[0].maintenance.owners[0]: "postgres": the maintenance role would have all the rights that PostgreSQL keeps for it; allowed: a role of your own, to which the tables belong',
    'databases.postgres[0].maintenance.owners[1]: "iperius_backup_pg01": it is the backup role; allowed: a role that owns tables',
    'databases.postgres[0].maintenance.owners[3]: "desi": it is named twice; allowed: each role once',
  ],
  [
    "a public key with a typing error",
    (s) => {
      cluster(s).encryption = { recipients: [recipient, recipient.replace("km", "kn")] };
    },
    'databases.postgres[0].encryption.recipients[1]: "age1knrmfuk2uedfmjr9e69hs856u8tc66lm3q0tnmz8afyz8hd7g3tsnwgaj5": it is not valid; allowed: a public key of age, as `age-keygen` prints it: age1 and 58 characters',
  ],
  [
    "encryption that only the host could open",
    (s) => {
      cluster(s).encryption = { recipients: [] };
    },
    "databases.postgres[0].encryption.recipients: []: it is not valid; allowed: at least one public key whose private key is kept elsewhere",
  ],
  [
    "folders that are to be encrypted",
    (s) => {
      cluster(s).encryption = { recipients: [recipient] };
      cluster(s).dump.format = "directory";
    },
    'databases.postgres[0].dump.format: "directory": pg_dump would write its files in plain first, and the cluster has encryption; allowed: auto or custom',
  ],
  [
    "a format that pg_dump does not know",
    (s) => {
      cluster(s).dump.format = "plain";
    },
    'databases.postgres[0].dump.format: "plain": it is none of the choices; allowed: auto, custom, directory',
  ],
  [
    "patterns that leave out a database of the site",
    (s) => {
      cluster(s).dump.databases = ["*", "!template_*"];
    },
    'databases.postgres[0].dump.databases: ["*","!template_*"]: template_desi would not be dumped; allowed: names and globs by which every one of databases is dumped',
  ],
  [
    "a check of no query, one that finds something else, one twice and one of an unknown database",
    (s) => {
      cluster(s).checks = [
        { name: "a", sql: ";" },
        { name: "b", sql: "select 1", expect: "something" },
      ];
    },
    'databases.postgres[0].checks[0].sql: ";": it is not valid; allowed: a query',
    'databases.postgres[0].checks[1].expect: "something": it matches none of the forms; allowed: rows, no-rows, or { equals: value }',
  ],
  [
    "two checks of one name, one of an unknown database",
    (s) => {
      cluster(s).checks = [
        { name: "a", sql: "select 1" },
        { name: "a", sql: "select 1", databases: ["desi"], expect: { equals: 1 } },
      ];
    },
    'databases.postgres[0].checks[1].name: "a": check a is named twice; allowed: a value of its own',
    'databases.postgres[0].checks[1].databases[0]: "desi": there is no such database; allowed: desi_void_desivast, desi_void_fastspecfit, template_desi',
  ],
  [
    "a database with a name of the runtime's own",
    (s) => {
      cluster(s).databases.push("dbkeeper_template");
    },
    'databases.postgres[0].databases[3]: "dbkeeper_template": dbkeeper makes and drops it; allowed: another name',
  ],
]);

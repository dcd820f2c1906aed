import { expect, test } from "vitest";
import { type ArchiverFacts, judgeArchiver } from "./archiver.ts";
import { chooseType } from "./backup.ts";
import { walSchema } from "./config.ts";
import { parseInfo } from "./info.ts";
import { archiveCommand, kindOfExit } from "./pgbackrest.ts";
import { parseListing } from "./repository.ts";
import { describeDeviation, expectedSettings, findDeviations, type ServerSetting } from "./settings.ts";

const wal = walSchema.parse({ stanza: "pg01", settings: { file: "/etc/lab/postgresql.conf" } });
const good: ServerSetting[] = Object.entries({
  wal_level: "replica",
  archive_mode: "on",
  archive_command: archiveCommand(wal),
  archive_timeout: "300",
  max_wal_senders: "3",
  wal_keep_size: "512",
}).map(([name, value]) => ({
  name,
  value,
  source: "configuration file",
  file: "/etc/lab/postgresql.conf",
  line: 3,
  pendingRestart: false,
}));

function deviationsWith(name: string, change: Partial<ServerSetting>): string[] {
  const settings = good.map((setting) => (setting.name === name ? { ...setting, ...change } : setting));
  return findDeviations(expectedSettings(wal), settings, wal.settings.file).map(describeDeviation);
}

test("settings as delivered are good, and so are stricter ones", () => {
  expect(deviationsWith("wal_level", {})).toEqual([]);
  expect(deviationsWith("wal_level", { value: "logical" })).toEqual([]);
  expect(deviationsWith("archive_timeout", { value: "60" })).toEqual([]);
});

test.each<[string, Partial<ServerSetting>, RegExp]>([
  ["archive_timeout", { value: "0" }, /archive_timeout is "0".* wanted is 1 to 300 s/],
  ["max_wal_senders", { value: "2" }, /wanted is at least 3/],
  ["archive_command", { value: "/bin/true", source: "command line", file: null }, /set by the command line/],
  ["archive_mode", { value: "off", pendingRestart: true }, /restart the server/],
  [
    "wal_keep_size",
    { file: "/data/postgresql.auto.conf", line: 7 },
    /postgresql\.auto\.conf line 7, which wins over/,
  ],
])("a wrong %s is told with who sets it", (name, change, expected) => {
  expect(deviationsWith(name, change)).toEqual([expect.stringMatching(expected)]);
});

const facts: ArchiverFacts = {
  now: 10_000,
  archiveMode: "on",
  inRecovery: false,
  startedAt: 1,
  lastArchived: "000000010000000000000003",
  lastArchivedAt: 9_000,
  lastFailed: null,
  lastFailedAt: null,
  archivedCount: 3,
  failedCount: 0,
  ready: [],
  oldestReadyAt: null,
  walBytes: 1,
  segmentBytes: 16 * 1024 ** 2,
  currentSegment: "000000010000000000000004",
};

test("a command that ends with more than 125 is found although the server counts no failure", () => {
  const waiting = { ...facts, ready: ["000000010000000000000004"] };
  const state = (change: Partial<ArchiverFacts>) => judgeArchiver({ ...facts, ...change }, 900).state;
  expect(state({})).toBe("ok");
  expect(state({ ...waiting, oldestReadyAt: 9_990 })).toBe("ok");
  expect(state({ ...waiting, oldestReadyAt: 9_000 })).toBe("stuck");
  expect(state({ ...waiting, oldestReadyAt: 9_999, startedAt: null })).toBe("dead");
  expect(state({ ...waiting, oldestReadyAt: 9_999, lastFailedAt: 9_999 })).toBe("failing");
  // Failed once and archived since.
  expect(state({ ...waiting, oldestReadyAt: 9_999, lastFailedAt: 8_000 })).toBe("ok");
  expect(state({ archiveMode: "off" })).toBe("off");
});

test("the type of a backup follows the schedule, a timer's delay included", () => {
  const now = new Date(100 * 86_400_000);
  const days = (age: number) => 100 * 86_400 - age * 86_400;
  const choose = (...backups: ["full" | "diff" | "incr", number][]) =>
    chooseType(
      backups.map(([type, age]) => ({ type, stoppedAt: days(age) })),
      { fullEveryDays: 7, diffEveryDays: 1 },
      now,
    );
  expect(choose()).toBe("full");
  expect(choose(["diff", 0.1])).toBe("full");
  expect(choose(["full", 6.99])).toBe("full");
  expect(choose(["full", 3])).toBe("diff");
  expect(choose(["full", 3], ["diff", 0.98])).toBe("diff");
  expect(choose(["full", 3], ["diff", 0.5], ["incr", 0.1])).toBe("incr");
});

test("an exit code that is not known is a failure like any other", () => {
  expect([50, 56, 82, 27].map(kindOfExit)).toEqual(["busy", "unreachable", "verification", "usage"]);
  expect([25, 124, 1, null].map(kindOfExit)).toEqual(["other", "other", "other", "other"]);
});

test("pgBackRest's answers are read for what they say, and an unknown stanza is refused", () => {
  expect(() => parseInfo("[]", "pg01")).toThrow(/wal setup/);
  const listing = {
    ".": { type: "path" },
    "0000000100000000": { type: "path" },
    [`0000000100000000/000000010000000000000001-${"a".repeat(40)}.zst`]: { type: "file", size: 5 },
    [`0000000100000000/000000010000000000000002.partial-${"a".repeat(40)}`]: { type: "file", size: 2 },
    "00000002.history": { type: "file", size: 1 },
  };
  expect(parseListing(JSON.stringify(listing))).toEqual({
    segments: ["000000010000000000000001"],
    bytes: 8,
  });
});

import { once } from "node:events";
import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startStandby } from "../../scripts/testing/cluster.ts";
import { until } from "../../scripts/testing/wait.ts";
import type { DrillResult } from "../../scripts/wal/drill-result.ts";
import type { WalStatus } from "../../scripts/wal/status.ts";
import { startWalHost, type WalHost, whySkipped } from "./host.ts";

describe.skipIf(whySkipped !== undefined)(`WAL and physical backups (${whySkipped ?? "pgBackRest"})`, () => {
  let host: WalHost;
  let stopWriting: () => Promise<void>;

  beforeAll(async () => {
    host = await startWalHost();
    const succeed = async (command: string) => {
      const outcome = await host.wal(command);
      expect(outcome.code, outcome.output).toBe(0);
    };
    await succeed("setup");
    // From before the first backup ends, so that no time within reach lies outside these commits.
    [stopWriting] = await Promise.all([keepWriting(host), succeed("backup")]);
    await succeed("check");
  }, 120_000);

  afterAll(async () => {
    await stopWriting?.();
    await host?.stop();
  });

  const drills = async () => {
    const text = await readFile(join(host.state, "drills", "pg01.jsonl"), "utf8").catch(() => "");
    return text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as DrillResult);
  };
  const status = async () => JSON.parse((await host.wal("status")).output) as WalStatus;
  const iso = (milliseconds: number) => new Date(milliseconds).toISOString();
  /** Archived segments with their paths, oldest first. */
  const segments = async () => {
    const root = join(host.repository, "archive", "pg01", "15-1");
    const names = await readdir(root, { recursive: true });
    return names
      .filter((name) => /\/[0-9A-F]{24}-/.test(name))
      .toSorted()
      .map((name) => join(root, name));
  };

  test("ten random times, amid commits, are each recovered to exactly the rows of then", async () => {
    await until("a thousand commits", async () => {
      const [row] = await host.cluster.sql("select count(*)::int as rows from dbkeeper.sentinel");
      return Number(row?.rows) > 1000;
    });
    const outcome = await host.wal("drill", "--random", "10").finally(stopWriting);
    expect(outcome.code, outcome.output).toBe(0);
    const results = await drills();
    expect(results.map(({ verdict }) => verdict)).toEqual(Array.from({ length: 10 }, () => "pass"));
    expect(new Set(results.map(({ rowsDue }) => rowsDue)).size).toBeGreaterThan(5);
    expect(await readdir(host.scratch)).toEqual([]);
    expect(await host.cluster.sql("select count(*)::int as rows from spaced")).toEqual([{ rows: 100 }]);
    const metrics = await readFile(host.metricsFile, "utf8");
    expect(metrics).toMatch(
      /dbkeeper_wal_last_passing_drill_timestamp_seconds\{cluster="pg01",repository="1"\} \d+/,
    );
    expect(metrics).toMatch(/dbkeeper_wal_missing_segments\{[^}]*class="MISSING_LOST"\} 0\n/);
  }, 120_000);

  test("a time that no backup and no archive reaches is refused, and nothing is tried", async () => {
    const before = (await drills()).length;
    const refused = async (time: string, words: RegExp) => {
      const outcome = await host.wal("drill", "--target-time", time);
      expect([outcome.code, outcome.output]).toEqual([3, expect.stringMatching(words)]);
    };
    await refused(iso(Date.now() + 3_600_000), /later than the last commit that is archived/);
    await refused("2001-01-01T00:00:00Z", /the earliest time that can be recovered is/);
    await host.configure({ minimumFreeBytes: 2 ** 50 });
    await refused(iso(Date.now()), /make room or set wal.drill.directory/);
    await host.configure();
    expect(await drills()).toHaveLength(before);
  }, 60_000);

  test.skipIf(process.getuid?.() !== 0)(
    "a disk that fills up fails the drill and leaves nothing",
    async () => {
      // Room for the backup as it was, but not for the WAL that follows it.
      const options = ["-t", "tmpfs", "-o", "size=30m,mode=0777", "dbkeeper-small", host.scratch];
      await execa("mount", options);
      try {
        const outcome = await host.wal("drill");
        expect(outcome.code, outcome.output).toBe(6);
        expect(outcome.output).toMatch(/unable to write.* (?:B|KiB|MiB) were free/);
        expect(await readdir(host.scratch)).toEqual([]);
      } finally {
        await execa("umount", [host.scratch]);
      }
    },
    60_000,
  );

  test("a killed drill leaves nothing that the next does not clear up, and two at once do not work", async () => {
    const first = host.start("drill");
    const closed = new Promise((resolve) => first.once("close", resolve));
    let seen = "";
    first.stdout?.setEncoding("utf8").on("data", (text: string) => {
      seen += text;
    });
    await until("the restore to end", async () => seen.includes('"phase":"restore"'));
    const second = await host.wal("drill");
    first.kill("SIGKILL");
    await closed;
    // Also where the first was quicker than expected, it held the lock.
    if (seen.includes("drill-pass")) throw new Error("the first drill ended before it was killed");
    expect(second.code, second.output).toBe(4);
    expect(await readdir(host.scratch)).toHaveLength(1);
    const third = await host.wal("drill");
    expect(third.code, third.output).toBe(0);
    expect(third.events.map(({ event }) => event)).toContain("drill-leftover-removed");
    expect(await readdir(host.scratch)).toEqual([]);
  }, 90_000);

  test("a stanza that is there needs nothing of its setup, whoever works on it", async () => {
    // As any other command of pgBackRest would; ended by the end of its input.
    const locks = ["archive", "backup"].map((kind) =>
      join(dirname(host.repository), "lock", `pg01-${kind}.lock`),
    );
    const hold = 'umask 0; exec flock "$0" sh -c "echo held; cat"';
    const holders = locks.map((lock) => execa("sh", ["-c", hold, lock]));
    try {
      await Promise.all(holders.map(({ stdout }) => once(stdout, "data")));
      const outcome = await host.wal("setup");
      expect(outcome.code, outcome.output).toBe(0);
    } finally {
      for (const holder of holders) holder.stdin?.end();
      await Promise.all(holders);
    }
  });

  test("a segment that is corrupt or missing fails the drill, and is told as lost", async () => {
    const before = (await drills()).length;
    await host.cluster.sql("select pg_switch_wal()");
    const beyond = await host.wal("check");
    expect(beyond.code, beyond.output).toBe(0);
    const newest = (await segments()).at(-1) ?? "";
    const target = iso(Date.now());
    const good = await readFile(newest);
    await writeFile(newest, withOneBitTurned(good));
    const corrupt = await host.wal("drill", "--target-time", target);
    await rm(newest);
    const missing = await host.wal("drill", "--target-time", target);
    const { repositories } = await status();
    const checked = await host.wal("check");
    await writeFile(newest, good);
    expect([corrupt.code, missing.code, checked.code]).toEqual([6, 6, 6]);
    expect(corrupt.output + missing.output).not.toContain('"verdict":"pass"');
    expect((await drills()).slice(before).map(({ verdict }) => verdict)).toEqual(["fail", "fail"]);
    expect(repositories[0]?.gaps).toMatchObject([{ class: "MISSING_LOST", segments: 1 }]);
    expect(checked.output).toContain("are lost: recovery from repository 1 ends before them");
  }, 120_000);

  test("a damaged file of the backup fails the drill", async () => {
    const root = join(host.repository, "backup", "pg01");
    const names = (await readdir(root, { recursive: true })).filter((name) =>
      /F\/(?:bundle|pg_data)\//.test(name),
    );
    const path = join(root, names[0] ?? "no file of a backup");
    const good = await readFile(path);
    await writeFile(path, withOneBitTurned(good));
    const outcome = await host.wal("drill");
    await writeFile(path, good);
    expect([outcome.code, (await drills()).at(-1)?.verdict]).toEqual([6, "fail"]);
    expect(await readdir(host.scratch)).toEqual([]);
    // pgBackRest tries such a file again after 15 s.
  }, 90_000);

  test("a recovered server that ends by itself fails the drill", async () => {
    const drill = host.start("drill");
    const closed = new Promise((resolve) => drill.once("close", resolve));
    let pid = 0;
    await until("the recovering server", async () => {
      const [folder = ""] = await readdir(host.scratch);
      const file = join(host.scratch, folder, "data", "postmaster.pid");
      const lines = await readFile(file, "utf8").catch(() => "");
      pid = /^\d+\n/.test(lines) ? Number.parseInt(lines, 10) : 0;
      return pid > 0;
    });
    process.kill(pid, "SIGKILL");
    expect([await closed, (await drills()).at(-1)?.verdict]).toEqual([6, "fail"]);
    expect(await readdir(host.scratch)).toEqual([]);
  }, 60_000);

  test("a setting that is overridden is told with its file and line", async () => {
    // Roles and databases cannot override any of these: the server does not let them.
    for (const owner of ["role postgres", "database postgres"]) {
      const override = host.cluster.sql(`alter ${owner} set archive_timeout = 0`);
      await expect(override).rejects.toThrow(/cannot be changed/);
    }
    await host.alterSystem("set archive_timeout = 0");
    const outcome = await host.wal("check");
    await host.alterSystem("reset archive_timeout");
    expect(outcome.code).toBe(6);
    expect(outcome.output).toMatch(
      /archive_timeout is .{0,2}"0.{0,2}, set by .*postgresql\.auto\.conf line \d+/,
    );
  }, 60_000);

  test("an archiver whose command ends with more than 125 is told, though the server counts nothing", async () => {
    await host.configure({}, { archiveDelaySeconds: 1 });
    await host.alterSystem("set archive_command = 'exit 127'");
    const [before] = await host.cluster.sql("select failed_count from pg_stat_archiver");
    await host.cluster.sql("create table switched (); select pg_switch_wal()");
    await until("the archiver to be found out", async () => (await status()).archiver.state !== "ok");
    const { archiver } = await status();
    await host.alterSystem("reset archive_command");
    await host.configure();
    expect(["stuck", "dead"]).toContain(archiver.state);
    expect(archiver.failedCount).toBe(Number(before?.failed_count));
    expect(archiver.readySegments).toBeGreaterThan(0);
  }, 60_000);

  test("a repository that is gone is told apart from one without backups, and its samples stay", async () => {
    await rename(host.repository, `${host.repository}.away`);
    const outcome = await host.wal("drill");
    await rename(`${host.repository}.away`, host.repository);
    expect(outcome.code).toBe(3);
    expect(outcome.output).toContain("is the repository's disk mounted?");
    expect(await readFile(host.metricsFile, "utf8")).toMatch(/dbkeeper_wal_last_backup_timestamp_seconds/);
  }, 60_000);

  test("a standby leaves all to its primary, and goes on by itself once it is promoted", async () => {
    await host.cluster.sql("drop table spaced");
    await host.cluster.sql("drop tablespace elsewhere");
    const settings = "archive_mode = on\nwal_keep_size = 16MB\ninclude_if_exists = 'more.conf'\n";
    const standby = await startStandby(host.cluster, settings, ["-c", "max_wal_senders=4"]);
    try {
      await host.become(standby);
      for (const command of ["setup", "check", "backup", "drill"]) {
        const { code, events, output } = await host.wal(command);
        expect([code, events.map(({ event }) => event)], output).toEqual([0, ["wal-skipped", "audit"]]);
      }
      const metrics = await readFile(host.metricsFile, "utf8");
      expect(metrics).toContain('dbkeeper_last_run_success{cluster="pg01",command="wal backup"} 1\n');
      expect(metrics).not.toContain("dbkeeper_wal_");
      // The old primary is fenced.
      await host.alterSystem("set archive_command = ''");
      await standby.sql("select pg_promote()");
      for (const command of ["backup", "drill"]) {
        const { code, output } = await host.wal(command);
        expect([command, code], output).toEqual([command, 0]);
      }
      expect((await drills()).at(-1)).toMatchObject({ verdict: "pass", rpoObjectiveSeconds: 86_400 });
      const more = join(standby.socketDirectory, "data", "more.conf");
      await writeFile(more, "\narchive_timeout = 60\n", { mode: 0o644 });
      await standby.sql("alter system set wal_level = 'logical'");
      await standby.sql("select pg_reload_conf()");
      const { code, output } = await host.wal("check");
      expect(code).toBe(6);
      expect(output).toContain('max_wal_senders is \\"4\\", set by the command line');
      expect(output).toContain(`archive_timeout is \\"60\\", set by ${more} line 2, which wins`);
      expect(output).toMatch(/wal_level is .{0,2}"replica.{0,2}", set by .*, and changed since: restart/);
    } finally {
      await standby.stop();
    }
  }, 240_000);
});

/** Commits one row after the other, as soon as there is a table for them, until what it gives back is called. */
async function keepWriting(host: WalHost): Promise<() => Promise<void>> {
  await until("the table of the sentinel rows", async () => {
    const [row] = await host.cluster.sql("select to_regclass('dbkeeper.sentinel') is not null as found");
    return row?.found === true;
  });
  const client = await host.cluster.session();
  let stopped = false;
  const writing = (async () => {
    while (!stopped) await host.commit(client);
    await client.end();
  })();
  return () => {
    stopped = true;
    return writing;
  };
}

function withOneBitTurned(good: Buffer): Buffer {
  const damaged = Buffer.from(good);
  const middle = damaged.length >> 1;
  damaged[middle] = (damaged[middle] ?? 0) ^ 1;
  return damaged;
}

import { execFile, execFileSync } from "node:child_process";
import { chmod, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { filesOf, isValidated } from "../runs/manifest.ts";
import { serverPrograms, skipReason, startCluster, type TestCluster } from "../testing/cluster.ts";
import { type Keeper, newKeeper } from "../testing/keeper.ts";
import { readDumpFile } from "./encryption.ts";

const execute = promisify(execFile);
const never = new AbortController().signal;
const ageThere = isThere("age");

describe.skipIf(serverPrograms === undefined || !ageThere)(
  `encrypted runs (${ageThere ? (serverPrograms ?? skipReason) : "no program age: install the package age"})`,
  () => {
    let cluster: TestCluster;
    let keeper: Keeper;
    let identityFile: string;
    let recipients: string[];

    beforeAll(async () => {
      cluster = await startCluster();
      await cluster.sql("create database desi");
      await cluster.sql("create table t as select 'plain text here' as text", "desi");
      await cluster.sql("create role blind login; grant select on t to blind", "desi");
      await cluster.sql("create role with_password login password 'hunter22'");
      keeper = await newKeeper(cluster, {});
      identityFile = join(keeper.folder, "identity");
      recipients = [await newKey(identityFile), await newKey(join(keeper.folder, "escrow"))];
    }, 60_000);

    afterAll(async () => {
      await cluster?.stop();
      if (keeper !== undefined) await rm(keeper.folder, { recursive: true });
    });

    const configure = (more: { identityFile?: string } = {}) =>
      keeper.configure({ databases: ["desi"], encryption: { recipients, ...more } });

    test("every file but the manifest can be opened by each recipient alone, and is proven by restoring", async () => {
      await configure({ identityFile });
      const outcome = await keeper.run("run");
      expect(outcome.code, outcome.output).toBe(0);
      const { folder, manifest } = await keeper.newest();
      expect(isValidated(manifest)).toBe(true);
      expect(manifest.encryption).toEqual({ method: "age", recipients });
      for (const { file } of filesOf(manifest)) {
        expect(file).toMatch(/\.age$/);
        const bytes = await readFile(join(folder, file));
        expect(bytes.subarray(0, 21).toString()).toBe("age-encryption.org/v1");
        await execute("age", [
          "--decrypt",
          "-i",
          join(keeper.folder, "escrow"),
          "-o",
          "/dev/null",
          join(folder, file),
        ]);
      }
    }, 30_000);

    test("password hashes are kept where the role may read them, and nowhere else", async () => {
      await keeper.configure({
        cluster: { ...keeper.cluster, role: "blind" },
        databases: ["desi"],
        encryption: { recipients },
      });
      const refused = await keeper.run("dump");
      expect(refused.code, refused.output).toBe(0);
      expect(refused.events.find(({ event }) => event === "role-passwords-skipped")?.text).toContain(
        "GRANT SELECT ON pg_catalog.pg_authid TO blind",
      );
      expect((await keeper.newest()).manifest.rolePasswords).toBeNull();
      await configure();
      const outcome = await keeper.run("dump");
      expect(outcome.code, outcome.output).toBe(0);
      const run = await keeper.newest();
      const config = { encryption: { recipients, identityFile } };
      const text = (file: string | undefined) => readDumpFile(run, file ?? "", config, never);
      expect(await text(run.manifest.rolePasswords?.file)).toMatch(/ROLE with_password .*SCRAM-SHA-256/);
      expect(await text(run.manifest.globals.file)).not.toContain("SCRAM");
      const outputs = [
        outcome.output,
        await keeper.metrics(),
        await readFile(join(run.folder, "manifest.json"), "utf8"),
      ];
      expect(outputs.join()).not.toMatch(/SCRAM|hunter22|AGE-SECRET/);
    }, 30_000);

    test("a host without the private key can write runs, and says what it cannot do", async () => {
      await configure();
      expect((await keeper.run("dump")).code).toBe(0);
      const outcome = await keeper.run("validate");
      expect(outcome.code).toBe(3);
      expect(outcome.output).toContain("encryption.identityFile");
      expect((await keeper.newest()).manifest.validation).toBeNull();
    }, 30_000);

    test("a private key that others can read is refused", async () => {
      await configure({ identityFile });
      await chmod(identityFile, 0o644);
      const outcome = await keeper.run("validate");
      expect(outcome.code).toBe(3);
      expect(outcome.output).toContain("can be read by others");
      await chmod(identityFile, 0o600);
    }, 30_000);

    test("a recipient with a typing error is refused before anything is written", async () => {
      const [good = ""] = recipients;
      const wrong = good.slice(0, -1) + (good.endsWith("q") ? "p" : "q");
      await keeper.configure({ databases: ["desi"], encryption: { recipients: [wrong] } });
      const before = await readdir(join(keeper.directory, "full", "pg01"));
      const outcome = await keeper.run("dump");
      expect(outcome.code, outcome.output).toBe(3);
      expect(await readdir(join(keeper.directory, "full", "pg01"))).toEqual(before);
    });
  },
);

/** Makes a private key and returns its recipient. */
async function newKey(path: string): Promise<string> {
  await execute("age-keygen", ["-o", path]);
  return (await execute("age-keygen", ["-y", path])).stdout.trim();
}

function isThere(program: string): boolean {
  try {
    execFileSync(program, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

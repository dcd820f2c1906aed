import { execFile, execFileSync } from "node:child_process";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serverPrograms, skipReason, type TestCluster } from "../testing/cluster.ts";
import type { Keeper } from "../testing/keeper.ts";
import { newRestoreWorld, type RestoreWorld } from "./testing.ts";

const execute = promisify(execFile);
const ageThere = isThere("age-keygen");

describe.skipIf(serverPrograms === undefined)(
  `restores of a whole cluster (${serverPrograms ?? skipReason})`,
  () => {
    let world: RestoreWorld;
    let source: TestCluster;
    let recovery: TestCluster;
    let keeper: Keeper;
    let restore: RestoreWorld["restore"];

    beforeAll(async () => {
      world = await newRestoreWorld();
      ({ keeper, recovery, restore, source } = world);
    }, 60_000);

    afterAll(() => world?.stop());

    test("a whole cluster comes back on an empty server, roles first, and a second time changes nothing", async () => {
      const without = await keeper.run("restore", "--all", "--into", "recovery", "--yes", "--replace");
      expect(without.code).toBe(3);
      expect(without.output).toContain('role \\"keeper\\" is missing on the target');
      const all = ["restore", "--all", "--globals", "--into", "recovery", "--yes", "--replace"];
      const outcome = await keeper.run(...all);
      expect(outcome.code, outcome.output).toBe(0);
      expect(outcome.events.map(({ event }) => event)).toContain("passwords-not-restored");
      const roleQuery =
        "select rolname, rolconnlimit, rolconfig from pg_roles where rolname !~ '^pg_' order by 1";
      expect(await recovery.sql(roleQuery)).toEqual(await source.sql(roleQuery));
      expect(await world.schemaOf(recovery, 'lab "odd', "x")).toBe(
        await world.schemaOf(source, 'lab "odd', "x"),
      );
      expect((await keeper.run("restore", "--globals", "--into", "recovery", "--yes")).code).toBe(0);
      expect(await recovery.sql(roleQuery)).toEqual(await source.sql(roleQuery));
    }, 60_000);

    test.skipIf(!ageThere)(
      "an encrypted run comes back with the passwords of the roles",
      async () => {
        const identityFile = join(keeper.folder, "identity");
        await execute("age-keygen", ["-o", identityFile]);
        await chmod(identityFile, 0o600);
        const { stdout } = await execute("age-keygen", ["-y", identityFile]);
        const configure = (more: { identityFile?: string }) =>
          world.configure({
            cluster: { ...keeper.cluster, role: "postgres" },
            databases: ["desi"],
            encryption: { recipients: [stdout.trim()], ...more },
          });
        await configure({});
        await source.sql("alter role keeper password 'first light'");
        expect((await keeper.run("dump")).code).toBe(0);
        const argv = [
          "--database",
          "desi",
          "--as",
          "opened",
          "--globals",
          "--unvalidated",
          "--into",
          "recovery",
        ];
        const closed = await restore(...argv);
        expect(closed.code, closed.output).toBe(3);
        expect(closed.output).toContain("encryption.identityFile");
        await configure({ identityFile });
        const outcome = await restore(...argv);
        expect(outcome.code, outcome.output).toBe(0);
        const query = "select rolpassword from pg_authid where rolname = 'keeper'";
        const [password] = await source.sql(query);
        expect(password?.rolpassword).toMatch(/^SCRAM/);
        expect(await recovery.sql(query)).toEqual([password]);
        expect(outcome.output).not.toContain("SCRAM");
        expect(await world.databases(recovery)).toContain("opened");
      },
      30_000,
    );
  },
);

function isThere(program: string): boolean {
  try {
    execFileSync(program, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

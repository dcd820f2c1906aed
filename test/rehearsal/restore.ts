import { describe, expect, it } from "vitest";
import { psql } from "../../rehearsal/dataset/seed.ts";
import { execInGuest } from "../../rehearsal/guests/exec.ts";
import type { GuestPlace } from "../../rehearsal/guests/guest.ts";
import type { Checkout } from "./checkout.ts";

const host = "proj-pg01";
const database = "desi_void_fastspecfit";

/** What somebody does at night who has lost rows, and what nobody else can do. */
export function restoreTests(lab: () => Checkout, primary: () => GuestPlace): void {
  const sql = (text: string, where = "postgres") => psql(primary(), where, text).then((out) => out.trim());
  const databases = async () => (await sql("SELECT datname FROM pg_database ORDER BY 1;")).split("\n");
  const dbkeeper = (user: string, ...argv: string[]) =>
    execInGuest(primary(), ["dbkeeper", ...argv], { user, timeoutSeconds: 120 });

  describe("a database whose rows were deleted", () => {
    const largest = `SELECT format('%I.%I', schemaname, relname) FROM pg_stat_user_tables
      ORDER BY pg_relation_size(relid) DESC, 1 LIMIT 1;`;

    it("comes back by one command, and what was there stays beside it", async () => {
      const table = await sql(largest, database);
      const count = () => sql(`SELECT count(*) FROM ${table};`, database);
      const before = await count();
      expect(Number(before)).toBeGreaterThan(100);
      await sql(`DELETE FROM ${table};`, database);

      expect(await lab().mustLab("restore", host, "--list")).toMatch(/\d{8}T\d{6}Z .* restore/);
      const unasked = await lab().lab("restore", host, "--database", database, "--replace");
      expect(unasked.exitCode).toBe(2);
      expect(unasked.stdout).toContain("proven by restoring it");
      expect(await count()).toBe("0");

      const restored = await lab().lab("restore", host, "--database", database, "--replace", "--yes");
      expect(restored.exitCode, restored.stdout).toBe(0);
      expect(await count()).toBe(before);
      const kept = (await databases()).filter((name) => name.startsWith(`${database}_replaced_`));
      expect(await sql(`SELECT count(*) FROM ${table};`, kept[0])).toBe("0");

      expect((await dbkeeper("root", "restore", "kept")).stdout).toContain(kept[0]);
      const dropped = await dbkeeper("root", "restore", "drop", "--yes", ...kept);
      expect(dropped.exitCode, dropped.stdout).toBe(0);
      expect(await databases()).not.toContain(kept[0]);
    });

    it("leaves nothing that the account of the timers cannot write", async () => {
      const find = ["find", "/mnt/backup/postgresql", "-user", "root", "-print"] as const;
      expect((await execInGuest(primary(), find)).stdout).toBe("");
      const check = await execInGuest(primary(), ["systemctl", "start", "dbkeeper-disk.service"]);
      expect(check.exitCode).toBe(0);
    });
  });

  it("is restored by root only: no account of a timer or an exporter becomes a superuser", async () => {
    for (const user of ["dbkeeper", "postgres_exporter", "nobody"]) {
      const argv = ["restore", "--database", database, "--as", "stolen", "--yes"];
      const refused = await dbkeeper(user, ...argv);
      expect([user, refused.exitCode]).toEqual([user, 5]);
      expect(refused.stdout).toContain("root restores");
    }
    const own = await dbkeeper(
      ...(["dbkeeper", "restore", "--database", database, "--as", "stolen", "--yes"] as const),
      ...["--role", "iperius_backup_pg01"],
    );
    expect([own.exitCode, own.stdout]).toEqual([3, expect.stringContaining("no superuser")]);
    expect(await databases()).not.toContain("stolen");
  });
}

import { psql } from "../../rehearsal/dataset/seed.ts";
import { execInGuest } from "../../rehearsal/guests/exec.ts";
import type { GuestPlace } from "../../rehearsal/guests/guest.ts";
import type { Instance } from "../../rehearsal/lab/instance.ts";
import { placeOf } from "../../rehearsal/lab/places.ts";
import type { BlockPlace, Placeholder } from "./blocks.ts";

/** A lab that runbooks are tried on. */
export interface RunbookLab {
  readonly guests: Readonly<Record<Exclude<BlockPlace, "anywhere">, GuestPlace>>;
  /** The checkout in which `./lab` is typed. */
  readonly root: string;
  readonly values: Readonly<Record<Placeholder, string>>;
}

const database = "desi_void_desivast";

/** The guests of a running rehearsal, and what of it stands for the words in <angle brackets>. */
export async function runbookLab(instance: Instance): Promise<RunbookLab> {
  const primary = placeOf(instance, 2002);
  const ask = async (name: string, sql: string, where = "postgres") => {
    const answer = (await psql(primary, where, sql)).trim();
    if (answer === "") throw new Error(`the lab has nothing to stand for <${name}>`);
    return answer;
  };
  const largest = (kind: "r" | "i") =>
    `SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
      WHERE relkind = '${kind}' AND nspname !~ '^(pg_|information_schema)' ORDER BY relpages DESC, 1 LIMIT 1;`;
  const guests = {
    primary,
    standby: placeOf(instance, 2003),
    monitoring: placeOf(instance, 2010),
    // The disk of the backups is on the primary.
    "backup-host": primary,
  };
  const role = await ask("role", "SELECT rolname FROM pg_roles WHERE rolcanlogin AND NOT rolsuper LIMIT 1;");
  return {
    guests,
    root: instance.root,
    values: {
      cluster: "pg01",
      database,
      gid: "prepared-by-nobody",
      host: "proj-pg01",
      index: await ask("index", largest("i"), database),
      pid: await ask("pid", "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer';"),
      role,
      run: await newestRun(primary),
      slot: await ask("slot", "SELECT slot_name FROM pg_replication_slots LIMIT 1;"),
      standby: "proj-pg02",
      table: await ask("table", largest("r"), database),
      unit: "node_exporter.service",
      user: role,
    },
  };
}

async function newestRun(primary: GuestPlace): Promise<string> {
  const { stdout } = await execInGuest(primary, ["ls", "/mnt/backup/postgresql/full/pg01"]);
  const run = stdout.match(/^\d{8}T\d{6}Z$/gm)?.at(-1);
  if (run === undefined) throw new Error("the lab has no run of a dump to stand for <run>");
  return run;
}

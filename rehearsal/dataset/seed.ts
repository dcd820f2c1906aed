import { execInGuest } from "../guests/exec.ts";
import type { GuestPlace } from "../guests/guest.ts";
import { datasets } from "./dataset.ts";

/** To whom the tables belong: the site's `maintenance.owners`. */
const owner = "desi_owner";

export interface SeedOptions {
  readonly sizeMib: number;
  readonly onProgress: (message: string) => void;
}

/** Fills the databases on the primary that are still empty. A fill is one transaction, so that a kill leaves none half done. */
export async function seed(primary: GuestPlace, { sizeMib, onProgress }: SeedOptions): Promise<void> {
  for (const { database, sql } of datasets(sizeMib)) {
    const filled = await psql(
      primary,
      database,
      "SELECT count(*) FROM pg_namespace WHERE nspname = 'raw_catalogs';",
    );
    if (filled.trim() !== "0") continue;
    onProgress(database);
    await psql(primary, database, `GRANT CREATE ON DATABASE ${database} TO ${owner};`);
    // Durability of generated data is worth nothing, time is.
    await psql(primary, database, `SET synchronous_commit = off;\nSET ROLE ${owner};\n${sql}`);
  }
}

/** Runs SQL as the superuser inside the guest and gives its unaligned output. */
export async function psql(primary: GuestPlace, database: string, sql: string): Promise<string> {
  const argv = [
    "psql",
    "--no-psqlrc",
    "--quiet",
    "--tuples-only",
    "--no-align",
    "--set",
    "ON_ERROR_STOP=1",
    "--dbname",
    database,
  ] as const;
  const { exitCode, stdout, stderr } = await execInGuest(primary, argv, { user: "postgres", input: sql });
  if (exitCode !== 0) throw new Error(`psql in ${database} on guest ${primary.vmid}: ${stderr.trim()}`);
  return stdout;
}

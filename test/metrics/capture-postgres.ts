import { findTool } from "../../tools/find.ts";
import { type PostgresWorld, startPostgresWorld, watchPostgres } from "./postgres-world.ts";
import { debianProgram, goProgram } from "./programs.ts";
import { families, withoutSettings, writeSource } from "./source-file.ts";

const newestServed = "0.19.1";
const debian = "0.11.1";

/** The exporter that the lab delivers, the newest that can be had, and Debian's, each at a primary and its standby. */
export async function capturePostgres(): Promise<void> {
  const delivered = await findTool("postgres_exporter");
  if (!delivered) throw new Error("postgres_exporter is missing; ./lab doctor says how to get it");
  await using world = await startPostgresWorld();
  const { version, flags } = world;
  const server = `PostgreSQL ${version}, primary and standby`;
  await writeSource("postgres_exporter.json", {
    source: "postgres_exporter",
    version: delivered.version,
    how: "captured",
    origin: `${server}, ${flags.join(" ")}`,
    metrics: families(await pages(world, delivered.path, flags)),
  });

  await using newest = await goProgram(
    "github.com/prometheus-community/postgres_exporter",
    "/cmd/postgres_exporter",
    newestServed,
  );
  await writeSource(`versions/postgres_exporter-${newestServed}.json`, {
    source: "postgres_exporter",
    version: newestServed,
    how: "captured",
    origin: `${server}, ${flags.join(" ")}`,
    metrics: withoutSettings(families(await pages(world, newest.path, flags))),
  });

  await using old = await debianProgram(
    "prometheus-postgres-exporter",
    "usr/bin/prometheus-postgres-exporter",
  );
  await writeSource(`versions/postgres_exporter-${debian}.json`, {
    source: "postgres_exporter",
    version: debian,
    how: "captured",
    // It does not know the collectors that the lab switches on.
    origin: `${server}, Debian's package, no options`,
    metrics: withoutSettings(families(await pages(world, old.path, []))),
  });
}

async function pages(world: PostgresWorld, program: string, flags: readonly string[]) {
  const page = async (role: "primary" | "standby") => {
    await using exporter = await watchPostgres(program, world[role], flags);
    return await exporter.scrape();
  };
  return { primary: await page("primary"), standby: await page("standby") };
}

import type { TestCluster } from "../../../scripts/testing/cluster.ts";
import type { Picture } from "./picture.ts";

/** The database that a restore replaces, as it was, and as the restore makes it. */
const old = "kept";
const restored = "rows";

/** Makes the database that a restore is to replace, and removes what the case before has left. */
export async function replaceTarget(cluster: TestCluster): Promise<void> {
  for (const name of await namesIn(cluster)) {
    if (/^(restored|dbkeeper_)/.test(name)) await cluster.sql(`drop database "${name}" with (force)`);
  }
  await cluster.sql("create database restored");
  await cluster.sql(`create table ${old} as select 1 as i`, "restored");
}

/**
 * Every database by its tables; without what a restore has made, unless `replacing`. Those that were replaced twice are
 * there twice: only the first is part of the state.
 */
export async function pictureOfDatabases(cluster: TestCluster, replacing: boolean): Promise<Picture> {
  const picture = new Map<string, string>();
  for (const name of await namesIn(cluster)) {
    if (!replacing && name.startsWith("restored")) continue;
    const content = await tablesOf(cluster, name);
    const isReplaced = name.startsWith("restored_replaced");
    if (isReplaced && content !== old) continue;
    picture.set(`database ${isReplaced ? "restored_replaced" : name}`, content);
  }
  return picture;
}

/** What is wrong with the databases; with `replacing`, also whether the one that is replaced is somewhere. */
export async function unsoundDatabases(cluster: TestCluster, replacing: boolean): Promise<string[]> {
  const all = await pictureOfDatabases(cluster, replacing);
  const problems = ["first", "second"].filter((name) => all.get(`database ${name}`) !== `${restored}`);
  const lost = problems.map((name) => `database ${name} is not what it was`);
  if (!replacing) return lost;
  const now = all.get("database restored");
  if (now === undefined) return [...lost, "there is no database restored"];
  if (now === old || (now === restored && all.get("database restored_replaced") === old)) return lost;
  return [...lost, `the database restored holds ${now}, and what was there is lost`];
}

async function namesIn(cluster: TestCluster): Promise<string[]> {
  const rows = await cluster.sql(
    "select datname from pg_database where datname !~ '^(template|postgres)' order by 1",
  );
  return rows.map(({ datname }) => String(datname));
}

async function tablesOf(cluster: TestCluster, name: string): Promise<string> {
  const [row] = await cluster
    .sql(
      "select string_agg(relname, ',' order by relname) as tables from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace",
      name,
    )
    // Dropped meanwhile, by what a killed command has left running.
    .catch(() => [{ tables: "gone" }]);
  return String(row?.tables ?? "nothing");
}

import type { Session } from "../postgres/session.ts";
import { readBloat } from "./bloat.ts";
import { analyzeNeed, reindexNeed, type TableState, vacuumNeed } from "./choose.ts";
import type { MaintainConfig } from "./config.ts";
import { readIndexes, readInvalidIndexes } from "./indexes.ts";
import type { Action, Bloat } from "./result.ts";
import { type Rights, readTables } from "./tables.ts";
import { qualified, type Work } from "./work.ts";

/** What can be asked for. */
export const tasks = ["vacuum", "analyze", "reindex", "bloat"] as const;

/** See {@link tasks}. */
export type Task = (typeof tasks)[number];

/** What is asked for in one database. */
export interface Wish {
  tasks: readonly Task[];
  /** Of these, all tables and indexes, whatever their need. */
  every: readonly Task[];
}

/** The session of a database, and what its role may do there. */
export interface Place {
  session: Session;
  database: string;
  rights: Rights;
}

/** Chooses the tables to vacuum and those to analyze. */
export async function planTables(
  { session, database, rights }: Place,
  { tasks, every }: Wish,
  config: MaintainConfig,
): Promise<Work[]> {
  if (!tasks.includes("vacuum") && !tasks.includes("analyze")) return [];
  const tables = await readTables(session, rights);
  return [
    ...(tasks.includes("vacuum")
      ? tables.flatMap((table) => vacuumOf(table, database, every.includes("vacuum"), config))
      : []),
    ...(tasks.includes("analyze")
      ? tables.flatMap((table) => analyzeOf(table, database, every.includes("analyze"), config))
      : []),
  ];
}

/** Chooses the indexes to drop and those to build anew; `invalid` are those that somebody else has to decide about. */
export async function planIndexes(
  place: Place,
  { tasks, every }: Wish,
  config: MaintainConfig,
  signal: AbortSignal,
): Promise<{ work: Work[]; invalid: string[] }> {
  if (!tasks.includes("reindex")) return { work: [], invalid: [] };
  const { session, database, rights } = place;
  const found = await readInvalidIndexes(session, rights);
  const leftovers = found
    .filter(({ isLeftover }) => isLeftover)
    .map((index) =>
      workOn(database, index, "drop-leftover", "left by a REINDEX that did not end", {
        statement: `drop index concurrently if exists ${qualified(index)}`,
        permitted: index.mayReindex,
      }),
    );
  const all = every.includes("reindex");
  const bloat = all ? [] : await readBloat(session, database, rights, ["index"], signal);
  return {
    work: [...leftovers, ...(await reindexOf(place, bloat, all, config))],
    invalid: found.filter(({ isLeftover }) => !isLeftover).map(qualified),
  };
}

function vacuumOf(table: TableState, database: string, every: boolean, config: MaintainConfig): Work[] {
  const need = vacuumNeed(table, config) ?? (every && !table.isPartitioned ? everyTable : undefined);
  if (need === undefined) return [];
  const statement = `vacuum ${need.freeze ? "(freeze) " : ""}${qualified(table)}`;
  return [workOn(database, table, "vacuum", need.why, { statement, permitted: table.mayMaintain })];
}

function analyzeOf(table: TableState, database: string, every: boolean, config: MaintainConfig): Work[] {
  const why = analyzeNeed(table, config) ?? (every ? everyTable.why : undefined);
  if (why === undefined) return [];
  const statement = `analyze ${qualified(table)}`;
  return [workOn(database, table, "analyze", why, { statement, permitted: table.mayMaintain })];
}

async function reindexOf(
  { session, database, rights }: Place,
  bloat: readonly Bloat[],
  every: boolean,
  config: MaintainConfig,
): Promise<Work[]> {
  const bloatOf = new Map(bloat.map((entry) => [qualified(entry), entry]));
  return (await readIndexes(session, rights)).flatMap((index) => {
    const { bytes = 0, bloatBytes = null, method = "" } = bloatOf.get(qualified(index)) ?? {};
    const need = reindexNeed({ ...index, bytes, bloatBytes }, config);
    const why = need === undefined ? (every ? "every index was asked for" : undefined) : `${need}, ${method}`;
    if (why === undefined) return [];
    const statement = `reindex index concurrently ${qualified(index)}`;
    return [workOn(database, index, "reindex", why, { statement, permitted: index.mayReindex })];
  });
}

const everyTable = { why: "every table was asked for", freeze: false };

function workOn(
  database: string,
  { schema, name }: { schema: string; name: string },
  action: Action,
  why: string,
  { statement, permitted }: { statement: string; permitted: boolean },
): Work {
  return { item: { database, schema, name, action, why }, statement: permitted ? statement : undefined };
}

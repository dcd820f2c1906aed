import { oneRow, type Session } from "../postgres/session.ts";
import type { Figures } from "./result.ts";

/** What a database is like now. */
export async function readFigures(session: Session): Promise<Figures> {
  return await oneRow<Figures>(
    session,
    `select current_database() as database, pg_database_size(current_database())::float8 as bytes,
            count(*)::int as tables, coalesce(sum(n_dead_tup), 0)::float8 as "deadRows"
       from pg_stat_user_tables`,
  );
}

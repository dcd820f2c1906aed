import type { Config } from "../config.ts";
import type { Report } from "../events.ts";
import type { Family, Sample } from "../metrics/family.ts";
import type { Session } from "../postgres/session.ts";
import type { State } from "./state.ts";

/** What a part that asks the server gets. */
export interface Look {
  config: Config;
  /** On the maintenance database, with a limit for each statement. */
  session: Session;
  server: Server;
  /** What is known from before; a part changes its own piece of it. */
  state: State;
  nowSeconds: number;
  report: Report;
  /** A session on another database, as the first; the part closes it. */
  open(database: string): Promise<Session>;
}

/** The server as it is at this look. */
export interface Server {
  major: number;
  inRecovery: boolean;
}

/** Reads one part. It fails as a whole. */
export type ReadPart = (look: Look) => Promise<Family[]>;

/** Samples of rows that have a label each. */
export function samplesOf<Row>(
  rows: readonly Row[],
  labelsOf: (row: Row) => Readonly<Record<string, string>>,
  valueFor: (row: Row) => number | null | undefined,
): Sample[] {
  return rows.flatMap((row) => {
    const value = valueFor(row);
    return value === null || value === undefined ? [] : [{ labels: labelsOf(row), value }];
  });
}

/** The condition for databases that stay: not those of a restore that is tried or under way. */
export const lasting = (column: string) => `${column} !~ '^dbkeeper_(scratch|restore)_[0-9a-f]{16}$'`;

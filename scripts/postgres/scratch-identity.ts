import { realpath } from "node:fs/promises";
import type { Connection } from "../config.ts";
import { Failure } from "../exit-codes.ts";
import { connect, readServerFacts } from "./session.ts";

/**
 * Refuses as `preflight` a server under another address than the source's that is the source all the same (a
 * forwarded socket), or a physical copy of it that may be promoted in its place; also where that cannot be told.
 * `sources` are the identifiers that the source had when it was dumped, and has now; `null` where it is not known.
 */
export function requireOtherServer(
  where: string,
  scratch: string | null,
  sources: readonly (string | null)[],
): void {
  const known = sources.filter((identifier) => identifier !== null);
  if (scratch === null || known.length === 0) {
    throw new Failure(
      "preflight",
      `cannot tell whether the server of restoreInto at ${where} is the source: ${scratch === null ? "its" : "the source's"} system identifier could not be read; grant pg_monitor to the role`,
    );
  }
  if (!known.includes(scratch)) return;
  throw new Failure(
    "preflight",
    `the server of restoreInto at ${where} is the source or a physical copy of it (system identifier ${scratch}); name a server of its own, or leave restoreInto out`,
  );
}

/** System identifier of a server; `null` where it does not answer or does not tell. */
export async function readIdentifier(connection: Connection): Promise<string | null> {
  const session = await connect(connection, connection.maintenanceDatabase).catch(() => undefined);
  if (session === undefined) return null;
  try {
    return (await readServerFacts(session)).systemIdentifier;
  } finally {
    await session.close();
  }
}

/** Whether two connections lead to the same server through the same socket. */
export async function isSameAddress(a: Connection, b: Connection): Promise<boolean> {
  if (a.port !== b.port) return false;
  const [first, second] = await Promise.all(
    [a, b].map(({ socketDirectory }) => realpath(socketDirectory).catch(() => socketDirectory)),
  );
  return first === second;
}

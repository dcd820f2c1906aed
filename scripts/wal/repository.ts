import * as z from "zod";
import type { WalConfig } from "./config.ts";
import type { Info } from "./info.ts";
import { pgBackRest } from "./pgbackrest.ts";

/** What one repository holds of the archived WAL. */
export interface ArchivedWal {
  repository: number;
  /** Names of segments, without their checksums. */
  segments: string[];
  bytes: number;
}

const listingSchema = z.record(z.string(), z.object({ type: z.string(), size: z.number().optional() }));

/** Lists the newest archive folder of every repository that the stanza has. */
export async function listArchivedWal(
  wal: WalConfig,
  archives: Info["archives"],
  signal: AbortSignal,
): Promise<ArchivedWal[]> {
  // The last one of each: an older one belongs to the cluster before an upgrade.
  const newest = new Map(archives.map(({ id, repository }) => [repository, id]));
  const found: ArchivedWal[] = [];
  for (const [repository, id] of newest) {
    const options = [`--repo=${repository}`, "--recurse", "--output=json"];
    const text = await pgBackRest(wal, "repo-ls", options, signal, `archive/${wal.stanza}/${id}`);
    found.push({ repository, ...parseListing(text) });
  }
  return found;
}

/** Reads the answer of `pgbackrest repo-ls --recurse --output=json`. */
export function parseListing(text: string): Omit<ArchivedWal, "repository"> {
  const files = Object.entries(listingSchema.parse(JSON.parse(text))).filter(
    ([, { type }]) => type === "file",
  );
  return {
    // `<name>-<SHA-1><compression>`; an unfinished `.partial` segment is none.
    segments: files.flatMap(
      ([path]) => /(?:^|\/)([0-9A-F]{24})-[0-9a-f]{40}(?:\.\w+)?$/.exec(path)?.[1] ?? [],
    ),
    bytes: files.reduce((sum, [, { size = 0 }]) => sum + size, 0),
  };
}

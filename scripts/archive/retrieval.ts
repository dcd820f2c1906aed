/** How fast a restore from Glacier is to be, and how dear. */
export const tiers = ["Standard", "Bulk", "Expedited"] as const;

/** See {@link tiers}. */
export type Tier = (typeof tiers)[number];

/** Where the figures come from, to be shown with them. */
export const retrievalSource = 'S3 user guide, "Understanding archive retrieval options"';

/**
 * The longest that AWS states for a class and a tier, in seconds, see {@link retrievalSource}. Expedited holds for
 * objects up to 250 MB and needs AWS to have capacity free.
 */
const retrievalSeconds: Readonly<Record<string, Readonly<Partial<Record<Tier, number>>>>> = {
  GLACIER: { Expedited: 5 * 60, Standard: 5 * 3600, Bulk: 12 * 3600 },
  DEEP_ARCHIVE: { Standard: 12 * 3600, Bulk: 48 * 3600 },
};

/** Whether an object of this class must be restored before it can be read. */
export function isArchiveClass(storageClass: string): boolean {
  return storageClass in retrievalSeconds;
}

/** Seconds until a restore is there at the latest; `undefined` where the class has no such tier. */
export function longestRetrieval(storageClass: string, tier: Tier): number | undefined {
  return retrievalSeconds[storageClass]?.[tier];
}

/** What an object's `x-amz-restore` tells; `undefined` where nothing was asked for. */
export interface RestoreState {
  ongoing: boolean;
  /** When the readable copy goes; `null` while there is none. */
  expiresAt: Date | null;
}

/** Parses `ongoing-request="false", expiry-date="Fri, 21 Dec 2012 00:00:00 GMT"`. Fails on anything else. */
export function parseRestore(header: string | undefined): RestoreState | undefined {
  if (header === undefined) return undefined;
  const ongoing = /ongoing-request="(true|false)"/.exec(header)?.[1];
  const expiry = /expiry-date="([^"]+)"/.exec(header)?.[1];
  const expiresAt = expiry === undefined ? null : new Date(expiry);
  if (ongoing === undefined || Number.isNaN(expiresAt?.getTime()))
    throw new Error(`the service answered x-amz-restore: ${header}`);
  return { ongoing: ongoing === "true", expiresAt };
}

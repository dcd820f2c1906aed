import { z } from "zod";
import { readJson, writeJson } from "../../lib/files.ts";
import { S3Error } from "./errors.ts";
import type { ObjectId } from "./moto.ts";

const restoreSchema = z.object({
  bucket: z.string(),
  key: z.string(),
  versionId: z.string().nullable(),
  days: z.int(),
  tier: z.string(),
  /** Milliseconds since 1970 on the simulated clock. */
  availableAt: z.number(),
  expiresAt: z.number(),
  /** Whether its completion was announced. */
  announced: z.boolean(),
});
const stateSchema = z.object({ aheadSeconds: z.number(), restores: z.record(z.string(), restoreSchema) });

export type Restore = z.output<typeof restoreSchema>;

/** Storage classes whose objects must be restored before they can be read (S3 user guide, "Restoring an archived object"). */
export const archiveClasses: ReadonlySet<string> = new Set(["GLACIER", "DEEP_ARCHIVE"]);

/**
 * How long a retrieval takes, in seconds: the longest that AWS states (S3 user guide, "Understanding archive retrieval
 * options"). DEEP_ARCHIVE knows no expedited one.
 */
const retrievalSeconds: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  GLACIER: { Expedited: 300, Standard: 5 * 3600, Bulk: 12 * 3600 },
  DEEP_ARCHIVE: { Standard: 12 * 3600, Bulk: 48 * 3600 },
};

const dayMs = 86_400_000;

/** Copies of archived objects that were asked for, on a clock that can be set forward. */
export class Restores {
  private readonly path: string;
  private state: z.output<typeof stateSchema> = { aheadSeconds: 0, restores: {} };

  private constructor(path: string) {
    this.path = path;
  }

  static async open(path: string): Promise<Restores> {
    const restores = new Restores(path);
    const found = await readJson(path);
    if (found !== undefined) restores.state = stateSchema.parse(found);
    return restores;
  }

  now(): Date {
    return new Date(Date.now() + this.state.aheadSeconds * 1000);
  }

  async advance(seconds: number): Promise<void> {
    this.state = { ...this.state, aheadSeconds: this.state.aheadSeconds + seconds };
    await this.save();
  }

  /** The restore of an object, under way or done; undefined where there is none, or its copy has expired. */
  find(id: ObjectId): Restore | undefined {
    const found = this.state.restores[nameOf(id)];
    return found !== undefined && found.expiresAt > this.now().getTime() ? found : undefined;
  }

  isReadable(id: ObjectId): boolean {
    const found = this.find(id);
    return found !== undefined && found.availableAt <= this.now().getTime();
  }

  /** The value of `x-amz-restore`. */
  header(id: ObjectId): string | undefined {
    const found = this.find(id);
    if (found === undefined) return undefined;
    return this.isReadable(id)
      ? `ongoing-request="false", expiry-date="${new Date(found.expiresAt).toUTCString()}"`
      : 'ongoing-request="true"';
  }

  /**
   * Asks for a copy, or keeps one that is there for longer (S3 API reference, RestoreObject).
   * @returns 202 for a new one, 200 where the copy is there
   * @throws S3Error InvalidObjectState, RestoreAlreadyInProgress, or InvalidArgument for a tier that the class has not
   */
  async request(id: ObjectId, storageClass: string, days: number, tier: string): Promise<200 | 202> {
    const tiers = retrievalSeconds[storageClass];
    if (tiers === undefined) {
      throw new S3Error(
        403,
        "InvalidObjectState",
        "Restore is not allowed for the object's current storage class",
        {
          StorageClass: storageClass,
        },
      );
    }
    const seconds = tiers[tier];
    if (seconds === undefined)
      throw new S3Error(400, "InvalidArgument", "Retrieval option is not supported by this storage class");
    const found = this.find(id);
    if (found !== undefined && !this.isReadable(id))
      throw new S3Error(409, "RestoreAlreadyInProgress", "Object restore is already in progress");
    const availableAt = found?.availableAt ?? this.now().getTime() + seconds * 1000;
    const expiresAt = midnightAfter(Math.max(availableAt, this.now().getTime()) + days * dayMs);
    const { bucket, key, versionId = null } = id;
    const restore = {
      bucket,
      key,
      versionId,
      days,
      tier,
      availableAt,
      expiresAt,
      announced: found?.announced ?? false,
    };
    this.state.restores[nameOf(id)] = restore;
    await this.save();
    return found === undefined ? 202 : 200;
  }

  /** Restores that are complete now and were not announced yet. */
  completed(): readonly Restore[] {
    const now = this.now().getTime();
    return Object.values(this.state.restores).filter(
      ({ announced, availableAt }) => !announced && availableAt <= now,
    );
  }

  async markAnnounced(restore: Restore): Promise<void> {
    restore.announced = true;
    await this.save();
  }

  private async save(): Promise<void> {
    await writeJson(this.path, this.state);
  }
}

function nameOf({ bucket, key, versionId }: ObjectId): string {
  return JSON.stringify([bucket, key, versionId ?? null]);
}

/** S3 rounds the end of a copy up to midnight UTC (user guide, "Restoring an archived object"). */
function midnightAfter(milliseconds: number): number {
  return Math.ceil(milliseconds / dayMs) * dayMs;
}

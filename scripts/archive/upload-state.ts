import { readdir, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as z from "zod";
import { hasCode, writeFileAtomic } from "../system/files.ts";
import { archivedObjectSchema } from "./offsite.ts";

const partSchema = z.object({ number: z.int().min(1), etag: z.string(), sha256: z.string() });

const objectSchema = z.object({
  key: z.string(),
  /** An upload in parts that was begun; `null` where there is none. */
  upload: z
    .object({
      id: z.string(),
      partBytes: z.int().min(1),
      parts: z.array(partSchema),
      /** Whether its completion was asked for, so that a vanished upload may be a complete object. */
      completing: z.boolean(),
    })
    .nullable(),
  /** What lies in the bucket, once S3 has said so. */
  done: archivedObjectSchema.nullable(),
});

const stateSchema = z.object({
  /** Where the run goes: with another place in the configuration everything starts anew. */
  url: z.string(),
  /** By the name of the planned object. */
  objects: z.record(z.string(), objectSchema),
});

/** How far an object has come. */
export type ObjectState = z.infer<typeof objectSchema>;

/**
 * How far the upload of a run has come, in a file beside its folder: the writer may neither list its uploads nor see
 * their parts, so that this file alone knows them.
 */
export class UploadState {
  private readonly path: string;
  private readonly state: z.infer<typeof stateSchema>;
  private saved: Promise<void> = Promise.resolve();

  private constructor(path: string, state: z.infer<typeof stateSchema>) {
    this.path = path;
    this.state = state;
  }

  /** What is known of the run in this folder; nothing where the file is missing, damaged or about another place. */
  static async open(runFolder: string, url: string): Promise<UploadState> {
    const path = join(dirname(runFolder), `.${runFolder.split("/").at(-1)}.upload.json`);
    const found = await readState(path);
    return new UploadState(path, found?.url === url ? found : { url, objects: {} });
  }

  /** The state of an object, which the caller changes and then saves. */
  object(name: string, key: string): ObjectState {
    const found = this.state.objects[name] ?? { key, upload: null, done: null };
    this.state.objects[name] = found;
    return found;
  }

  /** Makes every change so far durable. One after the other, so that an older state never replaces a newer one. */
  save(): Promise<void> {
    const next = this.saved.then(() => writeFileAtomic(this.path, JSON.stringify(this.state)));
    this.saved = next.catch(() => undefined);
    return next;
  }

  async remove(): Promise<void> {
    await this.saved;
    await rm(this.path, { force: true });
  }
}

/** Uploads that were begun for runs that need none any more. */
export interface Abandoned {
  path: string;
  uploads: { key: string; id: string }[];
}

/** The states beside the runs of a folder, except those of runs that are still to be copied. */
export async function abandonedStates(folder: string, pending: ReadonlySet<string>): Promise<Abandoned[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  });
  const found: Abandoned[] = [];
  for (const name of names) {
    const id = /^\.(\d{8}T\d{6}Z)\.upload\.json$/.exec(name)?.[1];
    if (id === undefined || pending.has(id)) continue;
    const path = join(folder, name);
    const objects = Object.values((await readState(path))?.objects ?? {});
    const uploads = objects.flatMap(({ key, upload, done }) =>
      upload === null || done !== null ? [] : [{ key, id: upload.id }],
    );
    found.push({ path, uploads });
  }
  return found;
}

async function readState(path: string): Promise<z.infer<typeof stateSchema> | undefined> {
  try {
    return stateSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (error) {
    if (hasCode(error, "ENOENT") || error instanceof SyntaxError || error instanceof z.ZodError)
      return undefined;
    throw error;
  }
}

import { readdir, readFile } from "node:fs/promises";
import { gunzipSync, gzipSync } from "node:zlib";
import { writeFileAtomic } from "../../rehearsal/lib/files.ts";
import type { Recordable } from "./scrub.ts";

const folder = new URL("recordings/", import.meta.url);

/** What a commit's program had made of a stack. */
export interface Recording extends Recordable {
  readonly commit: string;
  readonly stack: string;
}

/** The names of the recordings that are kept: `<commit>-<stack>`. */
export async function listRecordings(): Promise<string[]> {
  const files = await readdir(folder);
  return files.flatMap((file) => (file.endsWith(".json.gz") ? [file.replace(/\.json\.gz$/, "")] : [])).sort();
}

export async function readRecording(name: string): Promise<Recording> {
  return JSON.parse(gunzipSync(await readFile(new URL(`${name}.json.gz`, folder))).toString("utf8"));
}

/** Keeps a recording; gives its name. */
export async function writeRecording(recording: Recording): Promise<string> {
  const name = `${recording.commit}-${recording.stack}`;
  const bytes = gzipSync(JSON.stringify(recording), { level: 9 });
  await writeFileAtomic(new URL(`${name}.json.gz`, folder).pathname, bytes);
  return name;
}

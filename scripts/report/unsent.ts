import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { hasCode, textIfThere, writeFileAtomic } from "../system/files.ts";
import type { Message, Problem } from "./channels.ts";

/** A kept report that some channels did not take. */
const unsentSchema = z.object({
  /** What its files are called, without their endings. */
  base: z.string().regex(/^[\w-]+$/),
  subject: z.string(),
  /** When it was to be sent first. */
  since: z.iso.datetime(),
  /** Names of the channels, see {@link Problem.channel}. */
  channels: z.array(z.string()),
});

/** See {@link unsentSchema}. */
export type Unsent = z.infer<typeof unsentSchema>;

/** How long it is tried: a report of last week helps nobody. */
const triedForDays = 7;

const fileIn = (folder: string) => join(folder, "unsent.json");

/** The reports of a folder that still have to be sent; a list that cannot be read is as good as none. */
export async function readUnsent(folder: string): Promise<Unsent[]> {
  try {
    return z.array(unsentSchema).parse(JSON.parse((await textIfThere(fileIn(folder))) || "[]"));
  } catch {
    return [];
  }
}

/** Keeps what still has to be sent. */
export async function writeUnsent(folder: string, unsent: readonly Unsent[]): Promise<void> {
  await writeFileAtomic(fileIn(folder), `${JSON.stringify(unsent, null, 1)}\n`, 0o640);
}

/** Sends what could not be sent before to the channels that lack it. Resolves to what still has to be sent. */
export async function sendAgain(
  folder: string,
  unsent: readonly Unsent[],
  now: Date,
  send: (message: Message, channels: readonly string[]) => Promise<Problem[]>,
): Promise<Unsent[]> {
  const left: Unsent[] = [];
  for (const one of unsent) {
    if (now.getTime() - Date.parse(one.since) > triedForDays * 86_400_000) continue;
    const message = await keptMessage(folder, one);
    if (message === undefined) continue;
    const channels = (await send(message, one.channels)).map(({ channel }) => channel);
    if (channels.length > 0) left.push({ ...one, channels });
  }
  return left;
}

/** As it was to be sent; `undefined` where somebody has removed it. */
async function keptMessage(folder: string, { base, subject }: Unsent): Promise<Message | undefined> {
  const read = (ending: string) => readFile(join(folder, `${base}.${ending}`), "utf8");
  try {
    const [text, html, report] = [await read("md"), await read("html"), await read("json")];
    return { subject, text, html, body: { text, report: JSON.parse(report) } };
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

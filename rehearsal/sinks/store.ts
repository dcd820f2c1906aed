import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { readJson, writeJson } from "../lib/files.ts";

/** What reached a sink. */
export const messageSchema = z.object({
  /** Counts up from 1 over the life of the folder; gaps never occur. */
  number: z.int().positive(),
  kind: z.enum(["mail", "webhook"]),
  receivedAt: z.iso.datetime(),
  /** Envelope of a mail; empty for a webhook. */
  from: z.string(),
  to: z.array(z.string()),
  /** Path of a webhook; empty for a mail. */
  path: z.string(),
  /** Names in lower case; repeated ones joined by ", ". */
  headers: z.record(z.string(), z.string()),
  /** Plain text of a mail, or the body of a webhook as it came. */
  text: z.string(),
});

/** See {@link messageSchema}. */
export type Message = z.infer<typeof messageSchema>;

/** Messages of a folder, one JSON file each, bounded. */
export interface MessageStore {
  add(message: Omit<Message, "number" | "receivedAt">): Promise<Message>;
  /** Messages numbered above `since`, or received after it where it is a time; oldest first. */
  list(since: number | Date): Promise<Message[]>;
}

/** Opens a folder of messages, making it where needed. Keeps the newest `keep` messages (default 1,000). */
export async function openStore(folder: string, keep = 1000): Promise<MessageStore> {
  await mkdir(folder, { recursive: true });
  const numbers = (await readdir(folder))
    .map((name) => Number(/^(\d+)\.json$/.exec(name)?.[1]))
    .filter((number) => number > 0)
    .sort((a, b) => a - b);
  let last = numbers.at(-1) ?? 0;
  let queue: Promise<unknown> = Promise.resolve();
  const fileOf = (number: number) => join(folder, `${String(number).padStart(8, "0")}.json`);

  const add = async (message: Omit<Message, "number" | "receivedAt">): Promise<Message> => {
    const added: Message = { number: last + 1, receivedAt: new Date().toISOString(), ...message };
    await writeJson(fileOf(added.number), added);
    last = added.number;
    numbers.push(last);
    for (const old of numbers.splice(0, Math.max(0, numbers.length - keep))) {
      await rm(fileOf(old), { force: true });
    }
    return added;
  };
  return {
    add: (message) => {
      // One after the other: the numbers must follow the order of the files.
      const result = queue.then(() => add(message));
      queue = result.catch(() => {});
      return result;
    },
    list: async (since) => {
      const wanted = typeof since === "number" ? numbers.filter((number) => number > since) : [...numbers];
      const read = await Promise.all(wanted.map((number) => readJson(fileOf(number))));
      const messages = read.filter((value) => value !== undefined).map((value) => messageSchema.parse(value));
      return since instanceof Date ? messages.filter((each) => new Date(each.receivedAt) > since) : messages;
    },
  };
}

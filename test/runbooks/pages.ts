import { readdir, readFile } from "node:fs/promises";
import { type Reading, readBlocks } from "./blocks.ts";

const folder = new URL("../../runbooks/", import.meta.url);

/** The pages of `runbooks/`, by file name. */
export async function runbookPages(): Promise<ReadonlyMap<string, string>> {
  const files = (await readdir(folder)).filter((name) => name.endsWith(".md")).sort();
  const texts = await Promise.all(files.map((file) => readFile(new URL(file, folder), "utf8")));
  return new Map(files.map((file, at) => [file, texts[at] ?? ""]));
}

/** The blocks of all pages, and of each that breaks the convention what is wrong. */
export async function readRunbooks(): Promise<Reading> {
  const readings = [...(await runbookPages())].map(([page, text]) => readBlocks(`runbooks/${page}`, text));
  return {
    blocks: readings.flatMap(({ blocks }) => blocks),
    problems: readings.flatMap(({ problems }) => problems),
  };
}

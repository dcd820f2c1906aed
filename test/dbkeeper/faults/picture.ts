import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { hashFile } from "../../../scripts/dump/file.ts";
import {
  filesOf,
  isValidated,
  type Manifest,
  manifestFile,
  readManifest,
} from "../../../scripts/runs/manifest.ts";

const never = new AbortController().signal;

/** A state, as one line for each thing in it; what differs from one good run to the next is left out. */
export type Picture = ReadonlyMap<string, string>;

/** Where a command has its files. */
export interface Place {
  /** Folder of everything. */
  folder: string;
  /** Folder of the runs. */
  runs: string;
  /** Runs that were there before. */
  before: readonly string[];
}

/** Folders of a {@link Place} whose content is the state. */
const stateFolders = ["backup", "metrics", "temporary", "sent"];

/** What is in the files. Of several new runs only the newest is in it: the others are left by what was disturbed. */
export async function pictureOfFiles(place: Place): Promise<Picture> {
  const { folder, runs, before } = place;
  const picture = new Map<string, string>();
  const newest = (await runsOf(place)).filter((run) => !before.includes(run)).at(-1);
  for (const top of stateFolders) {
    for (const entry of await readdir(join(folder, top), { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      const [run = "", ...rest] = path.startsWith(`${runs}/`) ? path.slice(runs.length + 1).split("/") : [];
      if (entry.isDirectory()) {
        if (entry.name.startsWith(".")) picture.set(path.slice(folder.length), "folder");
        continue;
      }
      const known = before.includes(run);
      if (/^\d{8}T/.test(run) && !known && run !== newest) continue;
      const name =
        run === "" || known || run !== newest ? path.slice(folder.length) : `new run ${rest.join("/")}`;
      if (entry.name === manifestFile) {
        const manifest = await readManifest(entry.parentPath).catch((error: unknown) => String(error));
        picture.set(name, JSON.stringify(manifest, known ? withoutTimes : withoutTimesAndDigests));
      } else if (run === newest && !known && run !== "") picture.set(name, "there");
      else {
        const content = await contentOf(path);
        // A list of nothing is as good as no list.
        if (content !== "[]\n") picture.set(name, content);
      }
    }
  }
  return picture;
}

const times =
  /(At|Seconds|BytesPerSecond|Position|versionId|lockedUntil|databaseBytes|systemIdentifier|url)$/;

function withoutTimes(key: string, value: unknown): unknown {
  if (key === "key") return String(value).split("/").at(-1)?.split("~")[0];
  return times.test(key) ? undefined : value;
}

function withoutTimesAndDigests(key: string, value: unknown): unknown {
  return key === "sha256" || key === "sizeBytes" ? undefined : withoutTimes(key, value);
}

async function contentOf(path: string): Promise<string> {
  const text = await readFile(path, "utf8");
  if (path.endsWith(".prom")) return metricsIn(text);
  if (path.endsWith(".jsonl")) return historyIn(text);
  if (path.includes("/reports/") || path.includes("/sent/")) return text.length > 100 ? "whole" : text;
  if (/\.(maintenance|archive-restore|archive-verify)\.json$/.test(path))
    return JSON.stringify(JSON.parse(text), withoutTimesAndBloat);
  // What it holds is of the moment; that it can be read is what the next look needs.
  if (path.endsWith(".observed.json")) return Object.keys(JSON.parse(text)).join();
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}

function withoutTimesAndBloat(key: string, value: unknown): unknown {
  return /^(why|bytes|bloatBytes)$/.test(key) ? undefined : withoutTimes(key, value);
}

/**
 * Which samples there are, and how the last command of each name ended. Databases that restores have made are there on
 * one server and not on the other; of which databases statements are known is of the moment.
 */
function metricsIn(text: string): string {
  const lines = text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#") && !line.startsWith("dbkeeper_runs_total"))
    .filter((line) => !line.includes('database="restored'))
    .map((line) => (/^dbkeeper_last_run_(success|exit_code)/.test(line) ? line : line.replace(/ \S+$/, "")))
    .map((line) =>
      line.startsWith("dbkeeper_observed_statement_duration_")
        ? line.replace(/database="[^"]*",?/, "")
        : line,
    );
  return [...new Set(lines)].join("\n");
}

/** What every run that is known became, and how the last command ended. */
function historyIn(text: string): string {
  const records = text.split("\n").flatMap((line): Record<string, unknown>[] => {
    try {
      return [JSON.parse(line)];
    } catch {
      return [];
    }
  });
  const commands = records.filter(({ type }) => type === "command");
  const last = commands.at(-1);
  return `last ${String(last?.command)} ${String(last?.exitCode)}`;
}

/** Names of all runs, oldest first. */
export async function runsOf({ runs }: Pick<Place, "runs">): Promise<string[]> {
  return (await readdir(runs).catch(() => [])).filter((name) => /^\d{8}T\d{6}Z$/.test(name)).toSorted();
}

/** What is wrong with what has a final name: a run that its manifest does not describe. */
export async function unsoundRuns({ runs, before }: Pick<Place, "runs" | "before">): Promise<string[]> {
  const problems: string[] = [];
  for (const run of await runsOf({ runs })) {
    const problem = await problemOf(join(runs, run)).catch((error: unknown) => String(error));
    if (problem !== undefined) problems.push(`${before.includes(run) ? "" : "new "}run ${run}: ${problem}`);
  }
  return problems;
}

async function problemOf(folder: string): Promise<string | undefined> {
  const manifest = await readManifest(folder);
  for (const { file, sizeBytes, sha256 } of filesOf(manifest)) {
    const found = await hashFile(join(folder, file), never);
    if (found.sizeBytes !== sizeBytes || found.sha256 !== sha256)
      return `${file} is not what the manifest says`;
  }
  return undefined;
}

/** Which proven runs there are. */
export async function provenRuns({ runs }: Pick<Place, "runs">): Promise<string[]> {
  const proven: string[] = [];
  for (const run of await runsOf({ runs })) {
    const manifest: Manifest | undefined = await readManifest(join(runs, run)).catch(() => undefined);
    if (manifest !== undefined && isValidated(manifest)) proven.push(run);
  }
  return proven;
}

/** What differs between two states, one line each. */
export function differences(wanted: Picture, found: Picture): string[] {
  const names = [...new Set([...wanted.keys(), ...found.keys()])].toSorted();
  return names.flatMap((name) => {
    const [a, b] = [wanted.get(name), found.get(name)];
    return a === b ? [] : [`${name}: wanted ${excerpt(a, b)}, found ${excerpt(b, a)}`];
  });
}

/** Where a text begins to differ from another, as much as people need. */
function excerpt(text: string | undefined, other: string | undefined): string {
  if (text === undefined) return "nothing";
  let same = 0;
  while (same < text.length && text[same] === other?.[same]) same++;
  return JSON.stringify(text.slice(Math.max(0, same - 40), same + 160));
}

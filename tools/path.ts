import { constants } from "node:fs";
import { access, glob, open, readFile, stat } from "node:fs/promises";
import { delimiter, join } from "node:path";
import type { Tool } from "./catalogue.ts";
import { run, type ToolContext } from "./context.ts";
import { compareVersions, isAtLeast } from "./version.ts";

/** A binary and what it says of itself; the version is "unknown" where it does not tell. */
export interface Candidate {
  path: string;
  version: string;
}

/** Why something found does not do, for the error when nothing else does either. */
export interface Rejection {
  path: string;
  reason: string;
}

/** The first acceptable binary on PATH and in the system's folders, and what was refused on the way. */
export async function searchPath(
  tool: Tool,
  context: ToolContext,
): Promise<{ found: Candidate | undefined; rejected: Rejection[] }> {
  const rejected: Rejection[] = [];
  const executable = tool.executable ?? tool.name;
  const seen = new Set<string>();
  for (const folder of await foldersOf(tool, context)) {
    const path = join(folder, executable);
    if (seen.has(path) || !(await isExecutable(path))) continue;
    seen.add(path);
    const version = await askVersion(tool, path, context);
    const reason = await refuse(tool, path, version);
    if (reason === undefined) return { found: { path, version: version ?? "unknown" }, rejected };
    rejected.push({ path, reason });
  }
  return { found: undefined, rejected };
}

/** Whether a file can be run. */
export async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

async function foldersOf(tool: Tool, context: ToolContext): Promise<string[]> {
  const folders: string[] = [];
  for (const pattern of tool.versionedFolders ?? []) {
    const matches: string[] = [];
    for await (const match of glob(pattern)) matches.push(match);
    folders.push(...matches.sort(compareByVersion).reverse());
  }
  folders.push(...(context.env.PATH ?? "").split(delimiter).filter((folder) => folder !== ""));
  folders.push(...context.systemFolders, ...(tool.folders ?? []));
  return folders;
}

function compareByVersion(left: string, right: string): number {
  const number = (path: string) => /\d+(?:\.\d+)*/.exec(path)?.[0] ?? "0";
  return compareVersions(number(left), number(right));
}

async function askVersion(tool: Tool, path: string, context: ToolContext): Promise<string | undefined> {
  const query = tool.versionQuery;
  if (query === undefined) return undefined;
  const program = query.interpreter === true ? await interpreterOf(path) : path;
  if (program === undefined) return undefined;
  const { output } = await run(context, [program, ...query.args], { timeoutSeconds: 20 });
  return query.pattern.exec(output)?.[1];
}

/** The program named in a script's first line, if it is a Python interpreter. */
async function interpreterOf(path: string): Promise<string | undefined> {
  const firstLine = (await readFile(path, "latin1")).split("\n", 1)[0] ?? "";
  return /^#!\s*(\/\S*python[\d.]*)\s*$/.exec(firstLine)?.[1];
}

async function refuse(tool: Tool, path: string, version: string | undefined): Promise<string | undefined> {
  if (tool.minimum !== undefined) {
    if (version === undefined) return "it does not tell its version";
    if (!isAtLeast(version, tool.minimum.version))
      return `it is ${version}, ${tool.minimum.version} is needed: ${tool.minimum.why}`;
  }
  if (tool.runsOnGuests && !(await isStatic(path)))
    return "it is not statically linked, and guests may have another C library";
  return undefined;
}

const elfMagic = 0x7f454c46;
const programHeaderInterpreter = 3;

/** Whether a 64-bit little-endian ELF file asks for no dynamic loader. Scripts and others do not count. */
export async function isStatic(path: string): Promise<boolean> {
  const file = await open(path, "r");
  try {
    const header = Buffer.alloc(64);
    const { bytesRead } = await file.read(header, 0, header.length, 0);
    if (bytesRead < header.length || header.readUInt32BE(0) !== elfMagic) return false;
    if (header[4] !== 2 || header[5] !== 1) return false;
    const offset = Number(header.readBigUInt64LE(0x20));
    const entrySize = header.readUInt16LE(0x36);
    const count = header.readUInt16LE(0x38);
    const table = Buffer.alloc(entrySize * count);
    await file.read(table, 0, table.length, offset);
    for (let index = 0; index < count; index++)
      if (table.readUInt32LE(index * entrySize) === programHeaderInterpreter) return false;
    return true;
  } finally {
    await file.close();
  }
}

import type { Tool, ToolName } from "./catalogue.ts";
import type { ToolContext } from "./context.ts";
import { builtPath } from "./go-build.ts";
import { isExecutable, type Rejection, searchPath } from "./path.ts";
import { environmentPath, findEnvironment } from "./python.ts";
import { findVendored } from "./vendor.ts";

/** A tool that is there. `version` is "unknown" where it does not tell. */
export interface FoundTool {
  /** Absolute path of the program. */
  path: string;
  version: string;
  /** "path" and "cache" were there already; the others were fetched, installed or built just now. */
  source: "path" | "cache" | "vendor" | "debian" | "built";
}

/** The catalogue's entry. */
export function toolOf(name: ToolName, context: ToolContext): Tool {
  const tool = context.catalogue[name];
  if (tool === undefined) throw new Error(`no tool "${name}" in tools/catalogue.ts`);
  return tool;
}

/** What PATH and the cache have, and what on PATH would not do. */
export async function look(
  tool: Tool,
  context: ToolContext,
): Promise<{ found: FoundTool | undefined; rejected: Rejection[] }> {
  const { found, rejected } = await searchPath(tool, context);
  if (found !== undefined) return { found: { ...found, source: "path" }, rejected };
  return { found: await lookInCache(tool, context), rejected };
}

async function lookInCache(tool: Tool, context: ToolContext): Promise<FoundTool | undefined> {
  const vendored = await findVendored(tool, context);
  if (vendored !== undefined && tool.vendor !== undefined)
    return { path: vendored, version: tool.vendor.version, source: "cache" };
  if (tool.go !== undefined) {
    const path = await builtPath(tool, tool.go, context);
    if (await isExecutable(path)) return { path, version: tool.go.version, source: "cache" };
  }
  if (tool.python !== undefined) {
    const path = await findEnvironment(await environmentPath(tool, tool.python, context));
    if (path !== undefined) return { path, version: tool.python.version, source: "cache" };
  }
  return undefined;
}

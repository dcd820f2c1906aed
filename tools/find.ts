import { acquire, type Missing } from "./acquire.ts";
import type { ToolName } from "./catalogue.ts";
import { machineContext, type ToolContext, type ToolProgress } from "./context.ts";
import { type FoundTool, look, toolOf } from "./look.ts";

export { type ToolName, toolNames } from "./catalogue.ts";
export type { ToolProgress } from "./context.ts";
export type { FoundTool } from "./look.ts";

/** What {@link ensureTools} may be told; the context is this machine unless tests say otherwise. */
export interface EnsureOptions extends Partial<ToolContext> {
  onProgress?: (progress: ToolProgress) => void;
}

/** Looks for a tool on PATH and in the cache and never installs anything. */
export async function findTool(
  name: ToolName,
  options: Partial<ToolContext> = {},
): Promise<FoundTool | undefined> {
  const context = machineContext(options);
  return (await look(toolOf(name, context), context)).found;
}

/**
 * Makes sure that tools are there and says where. What is missing is downloaded from its vendor, installed from
 * the distribution (as root or with sudo without a password) or built from its pinned source, in that order.
 * Fails with a {@link ToolError} that names, for every tool that could not be had, what was tried and what to do.
 */
export async function ensureTools(
  names: readonly ToolName[],
  options: EnsureOptions = {},
): Promise<Map<ToolName, FoundTool>> {
  const context = machineContext(options);
  const startedAt = performance.now();
  const result = new Map<ToolName, FoundTool>();
  const missing: Missing[] = [];
  const unique = [...new Set(names)];
  await Promise.all(
    unique.map(async (name) => {
      const tool = toolOf(name, context);
      const { found, rejected } = await look(tool, context);
      if (found !== undefined) result.set(name, found);
      else missing.push({ name, tool, tried: rejected.map(({ path, reason }) => `${path}: ${reason}`) });
    }),
  );
  await acquire(missing, {
    context,
    result,
    report: (tool, step) =>
      context.onProgress({ tool, step, elapsedSeconds: (performance.now() - startedAt) / 1000 }),
  });
  return new Map([...result].sort(([left], [right]) => unique.indexOf(left) - unique.indexOf(right)));
}

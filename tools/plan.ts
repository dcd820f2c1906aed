import { builders, type Tool, type ToolName } from "./catalogue.ts";
import { machineContext, type ToolContext } from "./context.ts";
import { installable } from "./debian.ts";
import { type FoundTool, look, toolOf } from "./look.ts";
import { searchPath } from "./path.ts";

/** Where a tool is or would come from. Without `found` and `way`, somebody has to install it. */
export interface ToolPlan {
  name: string;
  why: string;
  found?: FoundTool;
  way?: "vendor" | "debian" | "built";
  /** What was found but will not do, one line each. */
  rejected: string[];
  debianPackage?: string;
}

/** What {@link ensureTools} would do for these tools, without doing it or bringing package lists up to date. */
export async function planTools(
  names: readonly ToolName[],
  options: Partial<ToolContext> = {},
): Promise<ToolPlan[]> {
  const context = machineContext(options);
  const tools = names.map((name) => toolOf(name, context));
  const looked = await Promise.all(tools.map((tool) => look(tool, context)));
  const missing = tools.filter((_, index) => looked[index]?.found === undefined);
  const packageable = missing.filter((tool) => !tool.runsOnGuests);
  const packaged = new Set(
    missing.length === 0
      ? []
      : await installable([...packageable, ...Object.values(builders)], context, { refresh: false }),
  );
  const buildable = async (builder: Tool) =>
    packaged.has(builder) || (await searchPath(builder, context)).found !== undefined;
  const wayOf = async (tool: Tool): Promise<ToolPlan["way"]> => {
    if (tool.vendor && (await context.reachable(tool.vendor.archiveUrl(context.architecture))))
      return "vendor";
    if (packaged.has(tool)) return "debian";
    if (tool.go && (await buildable(builders.go))) return "built";
    if (tool.python && (await buildable(builders.python))) return "built";
    return undefined;
  };
  return Promise.all(
    tools.map(async (tool, index) => {
      const { found, rejected = [] } = looked[index] ?? {};
      const way = found === undefined ? await wayOf(tool) : undefined;
      return {
        name: tool.name,
        why: tool.why,
        rejected: rejected.map(({ path, reason }) => `${path}: ${reason}`),
        ...(found === undefined ? {} : { found }),
        ...(way === undefined ? {} : { way }),
        ...(tool.debianPackage === undefined ? {} : { debianPackage: tool.debianPackage }),
      };
    }),
  );
}

import { builders, type Tool, toolNames } from "../tools/catalogue.ts";
import { machineContext, type ToolContext } from "../tools/context.ts";
import { searchPath } from "../tools/path.ts";
import { planTools, type ToolPlan } from "../tools/plan.ts";
import type { Check } from "./checks.ts";

const ways = {
  vendor: "is downloaded from its vendor",
  debian: "is installed as a package",
  built: "is built from its pinned source",
} as const;

/** What builds tools, and every tool of the catalogue: there, obtainable, or missing. */
export async function checkTools(): Promise<Check[]> {
  const context = machineContext();
  const [built, plans] = await Promise.all([
    Promise.all(Object.values(builders).map((tool) => checkBuilder(tool, context))),
    planTools(toolNames, context),
  ]);
  return [...built, ...plans.map(checkTool)];
}

/** Go and Python are no need of their own: a tool that cannot be had without them says so itself. */
async function checkBuilder(tool: Tool, context: ToolContext): Promise<Check> {
  const { found, rejected } = await searchPath(tool, context);
  if (found !== undefined)
    return { name: tool.name, state: "ok", detail: `${found.version} at ${found.path}` };
  const reasons = rejected.map(({ path, reason }) => ` (${path}: ${reason})`).join("");
  const detail = `${tool.minimum?.version} or newer is not there${reasons}. ${tool.why}`;
  return { name: tool.name, state: "warning", detail };
}

/** What a tool's plan means for the user. */
export function checkTool(plan: ToolPlan): Check {
  if (plan.found !== undefined) {
    const version = plan.found.version === "unknown" ? "" : `${plan.found.version} at `;
    return { name: plan.name, state: "ok", detail: `${version}${plan.found.path}` };
  }
  if (plan.way !== undefined)
    return { name: plan.name, state: "obtainable", detail: `${ways[plan.way]} by \`lab up\`` };
  return {
    name: plan.name,
    state: "missing",
    detail: [plan.why, ...plan.rejected].join(" "),
    ...(plan.debianPackage === undefined
      ? { remedy: "install a current Go (https://go.dev/dl) or Python with venv, which it is built with" }
      : { debianPackage: plan.debianPackage }),
  };
}

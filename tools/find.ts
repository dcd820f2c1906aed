import type { GoBuild, PythonEnvironment, Tool, ToolName, VendorDownload } from "./catalogue.ts";
import { machineContext, type ToolContext, type ToolProgress } from "./context.ts";
import { findInstalled, installable, installPackages } from "./debian.ts";
import { ToolError } from "./errors.ts";
import { build, builtPath } from "./go-build.ts";
import { isExecutable, type Rejection, searchPath } from "./path.ts";
import { environmentPath, findEnvironment, install } from "./python.ts";
import { download, findVendored } from "./vendor.ts";

export type { ToolName } from "./catalogue.ts";
export type { ToolProgress } from "./context.ts";
export { ToolError } from "./errors.ts";

/** A tool that is there. `version` is "unknown" where it does not tell. */
export interface FoundTool {
  /** Absolute path of the program. */
  path: string;
  version: string;
  /** "path" and "cache" were there already; the others were fetched, installed or built just now. */
  source: "path" | "cache" | "vendor" | "debian" | "built";
}

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
  const acquisition: Acquisition = {
    context,
    result,
    report: (tool, step) =>
      context.onProgress({ tool, step, elapsedSeconds: (performance.now() - startedAt) / 1000 }),
  };
  const unvendored = await fromVendors(missing, acquisition);
  const packageable = unvendored.filter(({ tool }) => tool.debianPackage !== undefined && !tool.runsOnGuests);
  // Builds need no package, so they go on beside the installation; Python's environment may need one.
  const building = fromSource(
    unvendored.filter((entry) => !packageable.includes(entry) && entry.tool.go !== undefined),
    acquisition,
  );
  const suitable = new Set(
    await installable(
      packageable.map((entry) => entry.tool),
      context,
    ),
  );
  const packaged = packageable.filter((entry) => suitable.has(entry.tool));
  const unpackaged = await fromPackages(packaged, acquisition);
  const rest = unvendored.filter(
    (entry) => !packaged.includes(entry) && (packageable.includes(entry) || entry.tool.go === undefined),
  );
  const failed = [...(await fromSource([...unpackaged, ...rest], acquisition)), ...(await building)];
  if (failed.length > 0) throw unavailable(failed);
  return new Map(unique.flatMap((name) => entryOf(result, name)));
}

interface Missing {
  name: ToolName;
  tool: Tool;
  /** One line for each way that did not work. */
  tried: string[];
  hint?: string;
}

interface Acquisition {
  context: ToolContext;
  result: Map<ToolName, FoundTool>;
  report: (tool: string, step: string) => void;
}

function toolOf(name: ToolName, context: ToolContext): Tool {
  const tool = context.catalogue[name];
  if (tool === undefined) throw new Error(`no tool "${name}" in tools/catalogue.ts`);
  return tool;
}

function entryOf(result: Map<ToolName, FoundTool>, name: ToolName): [ToolName, FoundTool][] {
  const found = result.get(name);
  return found === undefined ? [] : [[name, found]];
}

async function look(
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

/** Returns what the vendors did not deliver. */
async function fromVendors(missing: readonly Missing[], at: Acquisition): Promise<Missing[]> {
  const delivered = await Promise.all(
    missing.map(async (entry) => {
      const { vendor } = entry.tool;
      if (vendor === undefined) return false;
      const url = vendor.archiveUrl(at.context.architecture);
      if (!(await at.context.reachable(url))) {
        entry.tried.push(`vendor: ${new URL(url).host} does not answer`);
        return false;
      }
      return attempt(entry, "vendor", at, `downloading ${vendor.version} from ${new URL(url).host}`, () =>
        fetchVendored(entry.tool, vendor, at.context),
      );
    }),
  );
  return missing.filter((_, index) => delivered[index] !== true);
}

async function fetchVendored(tool: Tool, vendor: VendorDownload, context: ToolContext) {
  return { path: await download(tool, vendor, context), version: vendor.version };
}

/** Returns what is still missing after one installation of all packages. */
async function fromPackages(missing: readonly Missing[], at: Acquisition): Promise<Missing[]> {
  if (missing.length === 0) return [];
  const packages = [...new Set(missing.flatMap((entry) => entry.tool.debianPackage ?? []))];
  let installation: Promise<void> | undefined;
  const delivered = await Promise.all(
    missing.map((entry) =>
      attempt(entry, "debian", at, `installing the package ${entry.tool.debianPackage}`, async () => {
        installation ??= installPackages(packages, at.context);
        await installation;
        const found = await findInstalled(entry.tool, at.context);
        if (found === undefined)
          throw new Error(`the package ${entry.tool.debianPackage} brought no usable file`);
        return found;
      }),
    ),
  );
  return missing.filter((_, index) => delivered[index] !== true);
}

/** Returns what could not be built either. */
async function fromSource(missing: readonly Missing[], at: Acquisition): Promise<Missing[]> {
  const delivered = await Promise.all(
    missing.map((entry) => {
      const { go, python } = entry.tool;
      if (go !== undefined)
        return attempt(entry, "built", at, describeBuild(go), () => builtTool(entry.tool, go, at.context));
      if (python !== undefined)
        return attempt(entry, "built", at, "installing its Python packages", () =>
          installedEnvironment(entry.tool, python, at.context),
        );
      return false;
    }),
  );
  return missing.filter((_, index) => delivered[index] !== true);
}

function describeBuild(go: GoBuild): string {
  return `building ${go.version} from its Go module (about ${go.coldBuildSeconds} s when nothing is cached)`;
}

async function builtTool(tool: Tool, go: GoBuild, context: ToolContext) {
  return { path: await build(tool, go, context), version: go.version };
}

async function installedEnvironment(tool: Tool, python: PythonEnvironment, context: ToolContext) {
  return { path: await install(tool, python, context), version: python.version };
}

async function attempt(
  entry: Missing,
  source: FoundTool["source"],
  at: Acquisition,
  step: string,
  work: () => Promise<{ path: string; version: string }>,
): Promise<boolean> {
  at.report(entry.name, step);
  try {
    at.result.set(entry.name, { ...(await work()), source });
    at.report(entry.name, "ready");
    return true;
  } catch (error) {
    entry.tried.push(`${source}: ${error instanceof Error ? error.message : String(error)}`);
    if (error instanceof ToolError) entry.hint = error.hint;
    return false;
  }
}

function unavailable(failed: readonly Missing[]): ToolError {
  const text = failed.map(({ tool, tried }) => {
    const lines = tried.length === 0 ? ["nothing found, and no way to install it here"] : tried;
    return `${tool.name} is not to be had. ${tool.why}\n${lines.map((line) => `  - ${line}`).join("\n")}`;
  });
  const hints = new Set(failed.map(({ tool, hint }) => hint ?? `install ${tool.debianPackage ?? tool.name}`));
  return new ToolError(text.join("\n"), [...hints].join("; or "));
}

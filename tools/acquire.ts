import {
  builders,
  type GoBuild,
  type PythonEnvironment,
  type Tool,
  type ToolName,
  type VendorDownload,
} from "./catalogue.ts";
import type { ToolContext } from "./context.ts";
import { installable, installPackages } from "./debian.ts";
import { ToolError } from "./errors.ts";
import { build } from "./go-build.ts";
import type { FoundTool } from "./look.ts";
import { searchPath } from "./path.ts";
import { install } from "./python.ts";
import { download } from "./vendor.ts";

/** A tool that neither PATH nor the cache has. */
export interface Missing {
  name: ToolName;
  tool: Tool;
  /** One line for each way that did not work. */
  tried: string[];
  hint?: string;
}

/** What the ways to a tool share. */
export interface Acquisition {
  context: ToolContext;
  result: Map<ToolName, FoundTool>;
  report: (tool: string, step: string) => void;
}

/**
 * Gets what is missing, vendors first, then packages, then sources. Builds go on beside the installation of
 * packages unless what builds them is among the packages. Throws one error for everything that is not to be had.
 */
export async function acquire(missing: readonly Missing[], at: Acquisition): Promise<void> {
  if (missing.length === 0) return;
  const unvendored = await fromVendors(missing, at);
  const packageable = unvendored.filter(({ tool }) => tool.debianPackage !== undefined && !tool.runsOnGuests);
  const lacking = await lackingBuilders(unvendored, at.context);
  const early = lacking.includes(builders.go)
    ? []
    : unvendored.filter((entry) => entry.tool.go !== undefined && !packageable.includes(entry));
  const building = fromSource(early, at);
  const suitable = new Set(
    await installable([...packageable.map((entry) => entry.tool), ...lacking], at.context),
  );
  const packaged = packageable.filter((entry) => suitable.has(entry.tool));
  const toInstall = [...packaged.map((entry) => entry.tool), ...lacking.filter((tool) => suitable.has(tool))];
  const unpackaged = await fromPackages(packaged, toInstall, at);
  const late = unvendored.filter((entry) => !packaged.includes(entry) && !early.includes(entry));
  const failed = [...(await fromSource([...unpackaged, ...late], at)), ...(await building)];
  if (failed.length > 0) throw unavailable(failed);
}

/** Of Go and Python, those that something missing is built with and that are not there. */
async function lackingBuilders(missing: readonly Missing[], context: ToolContext): Promise<Tool[]> {
  const needed: Tool[] = [];
  if (missing.some(({ tool }) => tool.go !== undefined)) needed.push(builders.go);
  if (missing.some(({ tool }) => tool.python !== undefined)) needed.push(builders.python);
  const found = await Promise.all(needed.map((tool) => searchPath(tool, context)));
  return needed.filter((_, index) => found[index]?.found === undefined);
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

/** Installs all packages at once and returns which of the tools are still missing. */
async function fromPackages(
  entries: readonly Missing[],
  toInstall: readonly Tool[],
  at: Acquisition,
): Promise<Missing[]> {
  if (toInstall.length === 0) return [];
  const packages = [...new Set(toInstall.flatMap((tool) => tool.debianPackage ?? []))];
  at.report("apt", `installing ${packages.join(", ")}`);
  const installation = installPackages(packages, at.context);
  const delivered = await Promise.all(
    entries.map((entry) =>
      attempt(entry, "debian", at, `installing the package ${entry.tool.debianPackage}`, async () => {
        await installation;
        const { found } = await searchPath(entry.tool, at.context);
        if (found === undefined)
          throw new Error(`the package ${entry.tool.debianPackage} brought no usable file`);
        return found;
      }),
    ),
  );
  // A failed installation of what only builds others shows in those builds.
  await installation.catch(() => undefined);
  return entries.filter((_, index) => delivered[index] !== true);
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

import { randomUUID } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Tool } from "./catalogue.ts";
import { type Command, run, type ToolContext } from "./context.ts";
import { lastLines, ToolError } from "./errors.ts";
import { withLock } from "./lock.ts";
import { isAtLeast, upstreamVersion } from "./version.ts";

const listsMaximumAgeSeconds = 24 * 3600;
const installOptions = ["-y", "-q", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"] as const;
const marker = "# astronomy-lab: no service starts while its packages are installed";

/** What stands before a command that needs root: nothing, sudo, or undefined where neither is to be had. */
export async function elevation(context: ToolContext): Promise<readonly string[] | undefined> {
  if (context.userId === 0) return [];
  const { ok } = await run(context, ["sudo", "-n", "true"], { timeoutSeconds: 10 });
  return ok ? ["sudo", "-n"] : undefined;
}

/** Whether this machine installs packages with apt. */
export async function hasApt(context: ToolContext): Promise<boolean> {
  return (await run(context, ["apt-cache", "--version"], { timeoutSeconds: 10 })).ok;
}

/**
 * Of the given tools, those whose package would do, by the version that apt would install. The package lists are
 * brought up to date first where they are missing or a day old, unless `refresh` is false; without a connection the
 * old ones serve.
 */
export async function installable(
  tools: readonly Tool[],
  context: ToolContext,
  options: { refresh: boolean } = { refresh: true },
): Promise<Tool[]> {
  const packages = [...new Set(tools.flatMap((tool) => tool.debianPackage ?? []))];
  if (packages.length === 0 || !(await hasApt(context))) return [];
  const elevated = await elevation(context);
  if (elevated === undefined) return [];
  let candidates = await candidateVersions(packages, context);
  if (options.refresh && (candidates.size < packages.length || (await listsAreOld(context)))) {
    await run(context, aptGet(elevated, "update", "-q"), { timeoutSeconds: 120 });
    candidates = await candidateVersions(packages, context);
  }
  return tools.filter((tool) => {
    const candidate = candidates.get(tool.debianPackage ?? "");
    if (candidate === undefined) return false;
    return tool.minimum === undefined || isAtLeast(candidate, tool.minimum.version);
  });
}

/** Installs the packages in one go without starting their services; fails with apt's own last lines. */
export async function installPackages(packages: readonly string[], context: ToolContext): Promise<void> {
  const elevated = await elevation(context);
  if (elevated === undefined) throw new ToolError("installing packages needs root", aptHint(packages));
  await withLock(join(context.cacheFolder, "apt.lock"), async () => {
    const result = await withoutServices(elevated, context, () =>
      run(context, aptGet(elevated, "install", ...installOptions, ...packages)),
    );
    if (!result.ok)
      throw new ToolError(
        `apt-get could not install ${packages.join(", ")}:\n${lastLines(result.output)}`,
        aptHint(packages),
      );
  });
}

/** The one command that installs packages by hand. */
export function aptHint(packages: readonly string[]): string {
  return `run \`sudo apt-get update && sudo apt-get install -y --no-install-recommends ${packages.join(" ")}\``;
}

/** A command behind what gives it root. */
function as(elevated: readonly string[], ...command: Command): Command {
  const [file = command[0], ...args] = [...elevated, ...command];
  return [file, ...args];
}

function aptGet(elevated: readonly string[], ...args: string[]): Command {
  return as(elevated, "env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C", "apt-get", ...args);
}

async function candidateVersions(
  packages: readonly string[],
  context: ToolContext,
): Promise<Map<string, string>> {
  const { output } = await run(context, ["apt-cache", "policy", ...packages], { env: { LC_ALL: "C" } });
  const candidates = new Map<string, string>();
  let current = "";
  for (const line of output.split("\n")) {
    if (/^\S.*:$/.test(line)) current = line.slice(0, -1);
    const version = /^ {2}Candidate: (\S+)$/.exec(line)?.[1];
    if (version !== undefined && version !== "(none)") candidates.set(current, upstreamVersion(version));
  }
  return candidates;
}

async function listsAreOld(context: ToolContext): Promise<boolean> {
  const names = await readdir(context.aptListsFolder).catch(() => []);
  const ages = await Promise.all(
    names
      .filter((name) => /_(?:InRelease|Release|Packages(?:\.\w+)?)$/.test(name))
      .map((name) => stat(join(context.aptListsFolder, name)).then((entry) => entry.ctimeMs)),
  );
  return Date.now() - Math.max(0, ...ages) > listsMaximumAgeSeconds * 1000;
}

/**
 * Runs `work` with Debian's switch set to "start no service". A switch that somebody else has set stays as it is.
 * Ours stops refusing when this process is gone, so that one left behind by a crash does no harm.
 */
async function withoutServices<T>(
  elevated: readonly string[],
  context: ToolContext,
  work: () => Promise<T>,
): Promise<T> {
  const present = await readFile(context.policyFile, "utf8").catch(() => undefined);
  if (present !== undefined && !present.includes(marker)) return work();
  const folder = await mkdtemp(join(tmpdir(), "lab-policy-"));
  try {
    const draft = join(folder, randomUUID());
    await writeFile(draft, `#!/bin/sh\n${marker}\n[ -d /proc/${process.pid} ] || exit 0\nexit 101\n`);
    const set = await run(context, as(elevated, "install", "-m", "755", draft, context.policyFile));
    if (!set.ok) throw new Error(`could not write ${context.policyFile}:\n${lastLines(set.output)}`);
    return await work();
  } finally {
    await run(context, as(elevated, "rm", "-f", context.policyFile));
    await rm(folder, { recursive: true, force: true });
  }
}

import { createHash } from "node:crypto";
import { access, mkdir, readFile, readlink, rename, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { builders, type PythonEnvironment, type Tool } from "./catalogue.ts";
import { run, type ToolContext } from "./context.ts";
import { lastLines, ToolError } from "./errors.ts";
import { withLock } from "./lock.ts";
import { isExecutable, searchPath } from "./path.ts";

/** The link that appears beside a finished environment; without it the environment is unfinished. */
export async function environmentPath(
  tool: Tool,
  python: PythonEnvironment,
  context: ToolContext,
): Promise<string> {
  const hash = createHash("sha256").update(await readFile(requirementsFile(python)));
  const version = `${python.version}-${hash.digest("hex").slice(0, 12)}`;
  return join(context.cacheFolder, tool.name, version, tool.name);
}

/** The finished environment's script, or undefined; one whose Python has gone is unfinished again. */
export async function findEnvironment(path: string): Promise<string | undefined> {
  try {
    await access(join(dirname(path), "venv", "bin", "python3"));
    await readlink(path);
    return (await isExecutable(path)) ? path : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Installs the pinned requirements into an environment in the cache. An environment knows its own folder, so it
 * is made in its final place and a link published when it is complete. Fails with pip's own last lines.
 */
export async function install(tool: Tool, python: PythonEnvironment, context: ToolContext): Promise<string> {
  const path = await environmentPath(tool, python, context);
  return withLock(join(context.cacheFolder, tool.name, "build.lock"), async () => {
    const present = await findEnvironment(path);
    if (present !== undefined) return present;
    const folder = join(dirname(path), "venv");
    await rm(dirname(path), { recursive: true, force: true });
    await mkdir(dirname(path), { recursive: true });
    const interpreter = await findPython(context);
    const made = await run(context, [interpreter, "-m", "venv", folder]);
    if (!made.ok) {
      throw new ToolError(
        `${interpreter} cannot make a virtual environment for ${tool.name}:\n${lastLines(made.output)}`,
        "install Python's venv module (on Debian and Ubuntu: `apt-get install python3-venv`)",
      );
    }
    const installed = await run(context, [
      join(folder, "bin", "python3"),
      "-m",
      "pip",
      "install",
      "--quiet",
      "--disable-pip-version-check",
      "--no-input",
      "--only-binary=:all:",
      "--requirement",
      requirementsFile(python),
    ]);
    if (!installed.ok) {
      throw new ToolError(
        `pip could not install tools/python/${python.requirements} for ${tool.name}:\n${lastLines(installed.output)}`,
        "check the connection to the Python package index (`python3 -m pip download six`), then try again",
      );
    }
    await symlink(join("venv", "bin", python.script), `${path}.new`);
    await rename(`${path}.new`, path);
    return path;
  });
}

function requirementsFile(python: PythonEnvironment): string {
  return join(import.meta.dirname, "python", python.requirements);
}

async function findPython(context: ToolContext): Promise<string> {
  const { found, rejected } = await searchPath(builders.python, context);
  if (found !== undefined) return found.path;
  const reasons = rejected.map(({ path, reason }) => ` (${path}: ${reason})`).join("");
  throw new ToolError(
    `no Python ${builders.python.minimum.version} or newer with venv and ensurepip is on PATH${reasons}`,
    "install it (on Debian and Ubuntu: `apt-get install python3-venv`)",
  );
}

import { createHash, randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { builders, type GoBuild, type Tool } from "./catalogue.ts";
import { run, type ToolContext } from "./context.ts";
import { lastLines, ToolError } from "./errors.ts";
import { withLock } from "./lock.ts";
import { isExecutable, searchPath } from "./path.ts";
import { limitConcurrency } from "./queue.ts";

const flags = ["-trimpath", "-buildvcs=false", "-mod=readonly"] as const;
const goEnvironment = { CGO_ENABLED: "0", GOFLAGS: "", GOWORK: "off" } as const;

// The compiler spends a tenth of its time collecting garbage that there is memory for.
const compilerMemory = { GOGC: "400" } as const;

/** More than two at a time are no faster and need more memory than a small machine has. */
const inTurn = limitConcurrency(2);

/** Where a built binary is kept: everything that decides its content is in the folder's name. */
export async function builtPath(tool: Tool, go: GoBuild, context: ToolContext): Promise<string> {
  const hash = createHash("sha256");
  for (const file of ["go.mod", "go.sum"]) hash.update(await readFile(join(moduleFolder(go), file)));
  hash.update(
    JSON.stringify([go.package, go.ldflags, go.gcflags, go.tags, flags, goEnvironment, context.architecture]),
  );
  const version = `${go.version}-${hash.digest("hex").slice(0, 12)}`;
  return join(context.cacheFolder, tool.name, version, tool.executable ?? tool.name);
}

/** Builds a tool from its pinned module into the cache and returns its path; fails with Go's own last lines. */
export async function build(tool: Tool, go: GoBuild, context: ToolContext): Promise<string> {
  const path = await builtPath(tool, go, context);
  return withLock(join(context.cacheFolder, tool.name, "build.lock"), async () => {
    if (await isExecutable(path)) return path;
    await mkdir(dirname(path), { recursive: true });
    const temporary = `${path}.${randomUUID()}`;
    try {
      const program = await findGo(tool, context);
      const tags = go.tags === undefined ? [] : ["-tags", go.tags];
      const command = [
        "build",
        ...flags,
        ...tags,
        ...(go.gcflags === undefined ? [] : [`-gcflags=all=${go.gcflags}`]),
        "-ldflags",
        go.ldflags,
        "-o",
        temporary,
        go.package,
      ] as const;
      const result = await inTurn(go.coldBuildSeconds, () =>
        run(context, [program, ...command], {
          cwd: moduleFolder(go),
          env: { ...goEnvironment, ...compilerMemory },
          timeoutSeconds: 1800,
        }),
      );
      if (!result.ok) throw buildFailure(go, result.output);
      await rename(temporary, path);
      return path;
    } finally {
      await rm(temporary, { force: true });
    }
  });
}

function moduleFolder(go: GoBuild): string {
  return join(import.meta.dirname, "go", go.module);
}

async function findGo(tool: Tool, context: ToolContext): Promise<string> {
  const { found, rejected } = await searchPath(builders.go, context);
  if (found !== undefined) return found.path;
  const reasons = rejected.map(({ path, reason }) => ` (${path}: ${reason})`).join("");
  throw new ToolError(
    `${tool.name} would be built from its Go module, but no suitable Go is on PATH${reasons}`,
    "install a current Go from https://go.dev/dl",
  );
}

function buildFailure(go: GoBuild, output: string): ToolError {
  return new ToolError(
    `building ${go.package} in tools/go/${go.module} failed:\n${lastLines(output)}`,
    "check the connection to the Go module proxy (`go env GOPROXY`) and the space left, then try again",
  );
}

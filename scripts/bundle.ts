import { existsSync } from "node:fs";
import { build } from "esbuild";
import { digestOfSources, keep, keptPath, root } from "./kept.ts";

/** Programs of the lab that run on its hosts, by where they begin. */
const entryPoints = { dbkeeper: "scripts/main.ts", proxwatch: "scripts/proxmox/main.ts" } as const;

type Program = keyof typeof entryPoints;

/**
 * Bundles one of them into one file without dependencies: an ES module for Node 24 or newer. The same sources give the
 * same bytes, anywhere, so what was bundled of them before is taken as it is.
 * @returns the path of the file, which stays until the packages are installed anew
 */
export async function bundleRuntime(program: Program = "dbkeeper"): Promise<string> {
  sources ??= sourcesDigest();
  const name = `${program}-${await sources}.mjs`;
  const path = keptPath(name);
  return existsSync(path) ? path : keep(name, await buildRuntime(program));
}

let sources: Promise<string> | undefined;

function sourcesDigest(): Promise<string> {
  return digestOfSources("scripts", (name) => /(?<!\.test)\.ts$/.test(name) && !name.startsWith("testing/"));
}

/** The bundle made anew, whatever was kept. */
export async function buildRuntime(program: Program = "dbkeeper"): Promise<string> {
  const result = await build({
    absWorkingDir: root,
    entryPoints: [entryPoints[program]],
    bundle: true,
    write: false,
    platform: "node",
    target: "node24",
    format: "esm",
    // It is uploaded to hosts: half the size is half the time.
    minify: true,
    // Errors still say where they come from.
    keepNames: true,
    charset: "utf8",
    // A native accelerator that pg loads only on request.
    external: ["pg-native"],
    // CommonJS packages inside the bundle ask for Node's own modules by `require`.
    banner: {
      js: 'import { createRequire as createRequireOfBundle } from "node:module";\nconst require = createRequireOfBundle(import.meta.url);',
    },
    logLevel: "silent",
  });
  const code = result.outputFiles[0]?.text;
  if (code === undefined) throw new Error("esbuild wrote no file");
  return code;
}

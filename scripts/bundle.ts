import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { writeFileAtomic } from "./system/files.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const cacheFolder = join(root, "node_modules", ".cache", "astronomy-lab");

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
  const file = join(cacheFolder, `${program}-${await sources}.mjs`);
  if (existsSync(file)) return file;
  await mkdir(cacheFolder, { recursive: true });
  await writeFileAtomic(file, await buildRuntime(program), 0o644);
  return file;
}

let sources: Promise<string> | undefined;

/** Over everything that the bundle is made of: the sources, this file among them, and the versions of all packages. */
async function sourcesDigest(): Promise<string> {
  const names = (await readdir(join(root, "scripts"), { recursive: true }))
    .filter((name) => /(?<!\.test)\.ts$/.test(name) && !name.startsWith("testing/"))
    .sort();
  const files = [...names.map((name) => join(root, "scripts", name)), join(root, "package-lock.json")];
  const hash = createHash("sha256");
  for (const [index, content] of (await Promise.all(files.map((file) => readFile(file)))).entries())
    hash.update(`${files[index]?.slice(root.length)} ${content.length}\n`).update(content);
  return hash.digest("hex").slice(0, 16);
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

import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** The runtime as one file. */
export interface Bundle {
  /** An ES module for Node 24 or newer, to be delivered under a name that ends with `.mjs`. */
  code: string;
  /** SHA-256 of the code, in hexadecimal. */
  sha256: string;
}

/** Bundles the runtime into one file without dependencies. The same sources give the same bytes, anywhere. */
export async function bundleRuntime(): Promise<Bundle> {
  const result = await build({
    absWorkingDir: fileURLToPath(new URL("..", import.meta.url)),
    entryPoints: ["scripts/main.ts"],
    bundle: true,
    write: false,
    platform: "node",
    target: "node24",
    format: "esm",
    // It is part of the state and of every call that the engine makes about its host: half the size is half the time.
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
  return { code, sha256: createHash("sha256").update(code).digest("hex") };
}

import { cp, mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";

/** A path of this checkout. */
export const at = (...parts: string[]) =>
  join(fileURLToPath(new URL("../../../..", import.meta.url)), ...parts);

/** The provider's package, as npm would publish it. */
export interface Packed {
  readonly files: readonly { readonly path: string; readonly size: number; readonly mode: number }[];
  readonly tarball: string;
  /** One of the packed files. */
  read(path: string): Promise<string>;
  remove(): Promise<void>;
}

/** Packs a copy of the provider: packing writes beside the sources. */
export async function packProvider(): Promise<Packed> {
  const copy = await mkdtemp(join(tmpdir(), "lab-pbs-pack-"));
  for (const folder of ["infra/pbs", "infra/provider"]) {
    await cp(at(folder), join(copy, folder), { recursive: true });
  }
  for (const file of ["package.json", "tsconfig.json"]) await cp(at(file), join(copy, file));
  await symlink(at("node_modules"), join(copy, "node_modules"));
  await mkdir(join(copy, "infra/pbs/dist"), { recursive: true });
  await cp(at("package.json"), join(copy, "infra/pbs/dist/left-by-an-earlier-pack.js"));
  const { stdout } = await execa("npm", ["pack", "--json", "--offline", "--pack-destination", copy], {
    cwd: join(copy, "infra/pbs"),
    env: {
      PATH: [at("node_modules/.bin"), process.env.PATH].join(delimiter),
      npm_config_cache: join(copy, "npm-cache"),
    },
  });
  // Scripts may print before npm does.
  const [packed] = JSON.parse(stdout.slice(stdout.search(/^\[$/m))) as (Pick<Packed, "files"> & {
    readonly filename: string;
  })[];
  if (!packed) throw new Error(`npm packed nothing and said: ${stdout}`);
  return {
    files: packed.files,
    tarball: join(copy, packed.filename),
    read: (path) => readFile(join(copy, "infra/pbs", path), "utf8"),
    remove: () => rm(copy, { recursive: true, force: true }),
  };
}

import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { DocComments, type Documented } from "../../provider/doc-comments.ts";
import type { ProviderDefinition } from "../../provider/resource.ts";
import { type PackageInfo, packageSchema } from "../../provider/schema.ts";
import type { PbsClient } from "../client.ts";
import manifest from "../package.json" with { type: "json" };

const info: PackageInfo = {
  displayName: "Proxmox Backup Server",
  description: manifest.description,
  keywords: manifest.keywords,
  license: manifest.license,
  publisher: "astronomy-lab",
  language: {
    nodejs: { packageName: manifest.name, respectSchemaVersion: true },
    python: {
      packageName: "astronomy_lab_pulumi_pbs",
      respectSchemaVersion: true,
      pyproject: { enabled: true },
    },
    go: { generateResourceContainerTypes: true, respectSchemaVersion: true },
    csharp: { rootNamespace: "AstronomyLab.Pulumi", respectSchemaVersion: true },
  },
};

/** The package's schema as JSON text, made from the sources. */
export async function generateSchema<Config>(
  definition: ProviderDefinition<PbsClient, Config>,
): Promise<string> {
  const comments = await commentsOfSchemas();
  return JSON.stringify(
    packageSchema(definition, info, (shape) => comments.get(shape)),
    undefined,
    2,
  );
}

/** The doc comments of every schema that the package's modules export. */
async function commentsOfSchemas(): Promise<Map<z.ZodType, Documented>> {
  const root = resolve(import.meta.dirname, "..");
  const folders = ["resources", "functions"].map(async (folder) =>
    (await readdir(join(root, folder))).map((name) => join(root, folder, name)),
  );
  const files = [join(root, "provider.ts"), ...(await Promise.all(folders)).flat()];
  const comments = new DocComments();
  const found = new Map<z.ZodType, Documented>();
  for (const file of files) {
    if (!file.endsWith(".ts") || file.endsWith(".test.ts")) continue;
    const exported: Record<string, unknown> = await import(pathToFileURL(file).href);
    for (const [name, value] of Object.entries(exported)) {
      if (value instanceof z.ZodObject) found.set(value, comments.of(file, name));
    }
  }
  return found;
}

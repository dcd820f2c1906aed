import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ProviderDefinition } from "../../provider/resource.ts";
import type { PbsClient } from "../client.ts";

/**
 * The package's schema as JSON text. A published package carries it, written when it was packed, and has no TypeScript
 * compiler; inside the repository it is made from the sources, so that it never lags behind them.
 */
export async function schemaText<Config>(definition: ProviderDefinition<PbsClient, Config>): Promise<string> {
  const packed = join(import.meta.dirname, "schema.json");
  if (existsSync(packed)) return readFile(packed, "utf8");
  return (await import("./generate.ts")).generateSchema(definition);
}

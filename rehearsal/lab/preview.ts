import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { isMissing, writeFileAtomic } from "../lib/files.ts";
import { type Engine, withEngine } from "./engine.ts";
import { checkout } from "./instance.ts";
import { project } from "./stack.ts";

/** What a stack must be told before anything of it can be shown; a preview calls none of it. */
const placeholders = {
  proxmox: { endpoint: "https://proxmox.invalid:8006" },
  proxmoxToken: "preview@pve!preview=00000000-0000-0000-0000-000000000000",
  pbs: { endpoint: "https://pbs.invalid:8007", tokenId: "preview@pbs!preview" },
  pbsTokenSecret: "00000000-0000-0000-0000-000000000000",
  awsAccessKey: "AKIAPREVIEWPREVIEW00",
  awsSecretKey: "preview",
  grafana: { url: "https://grafana.invalid" },
  grafanaToken: "preview",
  smtpPassword: "preview",
};

/** Previews a stack from nothing, in a state of its own that is thrown away; gives the engine's exit code. */
export async function previewStack(stack: string, args: readonly string[]): Promise<number> {
  return withPreview(stack, (engine, configFile) => engine.attach([...args, "--config-file", configFile]));
}

/** The engine's own description of what a stack would make. */
export async function previewJson(stack: string): Promise<string> {
  return withPreview(stack, (engine, configFile) =>
    engine.run(["preview", "--json", "--config-file", configFile]),
  );
}

async function withPreview<T>(
  stack: string,
  use: (engine: Engine, configFile: string) => Promise<T>,
): Promise<T> {
  const folder = join(checkout, ".lab", "preview", `${stack}-${process.pid}`);
  try {
    const configFile = join(folder, `Pulumi.${stack}.yaml`);
    await writeFileAtomic(configFile, stringify({ config: await previewConfig(stack) }));
    const options = { root: checkout, backend: join(folder, "state"), passphrase: "preview", stack };
    return await withEngine(options, async (engine) => {
      await engine.run(["stack", "init", stack, "--config-file", configFile]);
      return use(engine, configFile);
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The stack's own plain settings, with placeholders for what is missing or cannot be decrypted. */
async function previewConfig(stack: string): Promise<Record<string, unknown>> {
  const file = join(checkout, "stacks", `Pulumi.${stack}.yaml`);
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    if (isMissing(error)) return "";
    throw error;
  });
  const { config = {} } = (parse(text) ?? {}) as { config?: Record<string, unknown> };
  const plain = Object.entries(config).filter(
    ([, value]) => !(typeof value === "object" && value !== null && "secure" in value),
  );
  const missing = Object.entries(placeholders).map(([key, value]) => [`${project}:${key}`, value] as const);
  return { ...Object.fromEntries(missing), ...Object.fromEntries(plain) };
}

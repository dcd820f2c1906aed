import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { isMissing, writeFileAtomic } from "../lib/files.ts";
import { type Engine, type EngineOptions, withEngine } from "./engine.ts";
import { checkout } from "./instance.ts";
import { project } from "./stack.ts";

/** What a stack must be told before anything of it can be shown; a preview calls none of it. */
const placeholders = {
  proxmox: { endpoint: "https://proxmox.invalid:8006" },
  proxmoxToken: "preview@pve!preview=00000000-0000-0000-0000-000000000000",
  proxmoxWatchTokenSecret: "00000000-0000-0000-0000-000000000000",
  pbs: { endpoint: "https://pbs.invalid:8007", tokenId: "preview@pbs!preview" },
  pbsTokenSecret: "00000000-0000-0000-0000-000000000000",
  awsAccessKey: "AKIAPREVIEWPREVIEW00",
  awsSecretKey: "preview",
  grafana: { url: "https://grafana.invalid" },
  grafanaToken: "preview",
  smtpPassword: "preview",
  slackToken: "preview",
  "pagerdutyKey-on-call": "preview",
  "pagerdutyKey-second-on-call": "preview",
  heartbeatUrl: "https://heartbeat.invalid/preview",
  "syncPassword-from-lab": "preview",
};

/** Previews a stack from nothing, in a state of its own that is thrown away; gives the engine's exit code. */
export async function previewStack(stack: string, args: readonly string[]): Promise<number> {
  return withThrowawayStack(stack, (engine) => engine.attach(args));
}

/** The engine's own description of what a stack would make, as JSON. */
export async function previewJson(stack: string): Promise<string> {
  return withThrowawayStack(stack, (engine) => engine.run(["preview", "--json"]));
}

/** What a throwaway stack has other than the stack of its name. */
export interface ThrowawayOptions extends Pick<EngineOptions, "standIns" | "onStart"> {
  /** Settings by their full key, on top of the stack's plain ones and placeholders for the rest. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** The same by their key in the project. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** The program to run. Default: the project's own. */
  readonly main?: string;
}

/**
 * Runs `use` with an empty stack in a state of its own that is thrown away. The engine writes a new stack's key into
 * the project's configuration, so the stack has a project file of its own that runs the same program.
 */
export async function withThrowawayStack<T>(
  stack: string,
  use: (engine: Engine, folder: string) => Promise<T>,
  { config, settings = {}, main, ...engineOptions }: ThrowawayOptions = {},
): Promise<T> {
  const previews = join(checkout, ".lab", "preview");
  await mkdir(previews, { recursive: true });
  const folder = await mkdtemp(join(previews, `${stack}-`));
  try {
    await writeFileAtomic(join(folder, "Pulumi.yaml"), stringify(await previewProject(main)));
    await writeFileAtomic(
      join(folder, `Pulumi.${stack}.yaml`),
      stringify({ config: { ...(await previewConfig(stack)), ...config, ...qualified(settings) } }),
    );
    const options = {
      ...engineOptions,
      root: folder,
      backend: join(folder, "state"),
      passphrase: "preview",
      stack,
    };
    return await withEngine(options, async (engine) => {
      await engine.run(["stack", "init", stack, "--secrets-provider", "passphrase"]);
      return use(engine, folder);
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const projectFile = z.looseObject({
  main: z.string(),
  plugins: z.object({ providers: z.array(z.object({ name: z.string(), path: z.string() })) }),
});

async function previewProject(main: string | undefined): Promise<object> {
  const {
    main: ownMain,
    plugins,
    stackConfigDir: _,
    ...rest
  } = projectFile.parse(parse(await readFile(join(checkout, "Pulumi.yaml"), "utf8")));
  return {
    ...rest,
    main: main ?? join(checkout, ownMain),
    plugins: { providers: plugins.providers.map(({ name, path }) => ({ name, path: join(checkout, path) })) },
  };
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
  return { ...qualified(placeholders), ...Object.fromEntries(plain) };
}

function qualified(settings: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(settings).map(([key, value]) => [`${project}:${key}`, value]));
}

import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as automation from "@pulumi/pulumi/automation/index.js";
import type { ProviderDefinition } from "../../infra/provider/resource.ts";
import { serve } from "../../infra/provider/server.ts";
import { findTool } from "../../tools/find.ts";

/** A stack on a file backend of its own, with providers that run in this process. */
export interface TestStack {
  readonly stack: automation.Stack;
  /** Ends the providers and removes the backend; resources stay as they are. */
  close(): Promise<void>;
}

/** The real engine; undefined where it is not installed. */
export async function findPulumi(): Promise<string | undefined> {
  return (await findTool("pulumi"))?.path;
}

/** Makes an empty stack that uses the given provider, and further ones that are served already. */
export async function testStack<Client, Config>(
  pulumi: string,
  provider: ProviderDefinition<Client, Config>,
  program: automation.PulumiFn,
  others: readonly { readonly name: string; readonly port: number }[] = [],
): Promise<TestStack> {
  const folder = await mkdtemp(join(tmpdir(), "stack-"));
  await mkdir(join(folder, "tool", "bin"), { recursive: true });
  await symlink(pulumi, join(folder, "tool", "bin", "pulumi"));
  const { port, close } = await serve(provider);
  const stack = await automation.LocalWorkspace.createStack(
    { projectName: "test", stackName: "test", program },
    {
      workDir: folder,
      pulumiHome: join(folder, "home"),
      projectSettings: { name: "test", runtime: "nodejs", backend: { url: `file://${folder}` } },
      envVars: {
        PULUMI_CONFIG_PASSPHRASE: "test",
        PULUMI_SKIP_UPDATE_CHECK: "true",
        PULUMI_DEBUG_PROVIDERS: [{ name: provider.name, port }, ...others]
          .map((each) => `${each.name}:${each.port}`)
          .join(","),
      },
      pulumiCommand: await automation.PulumiCommand.get({
        root: join(folder, "tool"),
        skipVersionCheck: true,
      }),
    },
  );
  return {
    stack,
    close: async () => {
      close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

import { execa } from "execa";
import { bareEngine, type Engine } from "../../rehearsal/lab/engine.ts";
import { checkout, engineOptions, findInstance } from "../../rehearsal/lab/instance.ts";
import { withThrowawayStack } from "../../rehearsal/lab/preview.ts";
import { rehearsalStack } from "../../rehearsal/lab/stack.ts";
import { writeRecording } from "./recording.ts";
import { type Recordable, scrub } from "./scrub.ts";

/**
 * Records what the checked-out commit makes of each stack: `node test/upgrade/record.ts`, with the checkout's lab up.
 * The rehearsal's state is the one of the lab that stands; `lab` and `dr` come from providers that make nothing.
 */
const { stdout: commit } = await execa("git", ["rev-parse", "--short=7", "HEAD"], { cwd: checkout });

const instance = await findInstance();
if (!instance) throw new Error("there is no lab to record: run `./lab up` first");
await keep(rehearsalStack, await recorded(await bareEngine(engineOptions(instance))));

const offlineProviders = new URL("../offline/main.ts", import.meta.url).pathname;
for (const stack of ["lab", "dr"]) {
  const recording = await withThrowawayStack(
    stack,
    async (engine) => {
      await engine.run(["up", "--yes", "--skip-preview", "--suppress-outputs"]);
      return recorded(engine);
    },
    { standIns: offlineProviders },
  );
  await keep(stack, recording);
}

async function recorded(engine: Engine): Promise<Recordable> {
  const state = JSON.parse(await engine.run(["stack", "export", "--show-secrets"]));
  const settings: Record<string, { value: string; objectValue?: unknown }> = JSON.parse(
    await engine.run(["config", "--json", "--show-secrets"]),
  );
  const config = Object.fromEntries(
    Object.entries(settings).map(([key, { value, objectValue }]) => [key, objectValue ?? value]),
  );
  return { state, config };
}

async function keep(stack: string, recordable: Recordable): Promise<void> {
  process.stdout.write(`${await writeRecording({ commit, stack, ...scrub(recordable) })}\n`);
}

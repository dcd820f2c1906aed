import type { Context } from "../context.ts";
import { dump } from "../dump/dump.ts";
import { Failure, kindOf, messageOf } from "../exit-codes.ts";
import { isValidated } from "../runs/manifest.ts";
import { prune } from "../runs/prune-runs.ts";
import type { Run } from "../runs/runs.ts";
import { validate } from "../validate/validate.ts";

/**
 * What the timer starts: dump, restore-validate, prune. Prunes only when the new run is complete and proven.
 * Only under the cluster's lock.
 */
export async function run(context: Context): Promise<void> {
  const written = await dump(context);
  const validated = await validateNew(context, written);
  requireComplete(validated);
  if (isValidated(validated.manifest)) await prune(context);
}

/** Fails as `partial` where a run lacks databases. */
export function requireComplete({ id, manifest }: Run): void {
  if (manifest.failed.length === 0) return;
  const names = manifest.failed.map(({ name }) => JSON.stringify(name)).join(", ");
  throw new Failure("partial", `run ${id} lacks ${names}; the other databases are done`);
}

async function validateNew(context: Context, written: Run): Promise<Run> {
  try {
    return await validate(context, written, "restore");
  } catch (error) {
    const untried = kindOf(error) === "preflight" || kindOf(error) === "unreachable";
    if (!untried) throw error;
    // Their exit codes promise that nothing changed, but there is a new dump, only not a proven one.
    throw new Failure("verification", `run ${written.id} is written but not proven: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

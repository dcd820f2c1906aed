import { type Context, lockFile } from "../context.ts";
import { recordedApart } from "../metrics/apart.ts";
import type { Family } from "../metrics/family.ts";
import { requireDirectory } from "../runs/runs.ts";
import { maintainFamilies, maintenanceMetricNames } from "./metrics.ts";
import { readMaintenance } from "./result.ts";

/** Runs maintenance that has a metrics file of its own, as a system user of its own, see {@link recordedApart}. */
export async function maintenanceRecorded(
  context: Context,
  metricsFile: string,
  work: () => Promise<void>,
): Promise<void> {
  const { cluster, maintain, directory } = context.config;
  await requireDirectory(maintain.directory ?? directory);
  const families = async (previous: readonly Family[]) => {
    try {
      const state = await readMaintenance(context.config);
      return state === undefined ? [] : maintainFamilies(cluster.name, state);
    } catch {
      return previous.filter(({ name }) => maintenanceMetricNames.includes(name));
    }
  };
  const apart = { lockFile: lockFile(context, "maintenance"), metricsFile, families };
  await recordedApart(context, "maintain", apart, work);
}

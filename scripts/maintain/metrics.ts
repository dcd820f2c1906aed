import type { Family } from "../metrics/family.ts";
import type { MetricsSource } from "../metrics/source.ts";
import { actions, type MaintenanceState, outcomes, readMaintenance } from "./result.ts";

/** What the last maintenance did, for the metrics. */
export const maintainMetrics: MetricsSource = {
  ageing: ["dbkeeper_maintain_items", "dbkeeper_maintain_bloat_bytes"],
  async read({ config }) {
    const state = await readMaintenance(config);
    return state === undefined ? [] : maintainFamilies(config.cluster.name, state);
  },
};

/** The samples of one maintenance; an action that it did not consider has none. */
export function maintainFamilies(cluster: string, { results, bloat, tasks }: MaintenanceState): Family[] {
  const considered = actions.filter((action) =>
    tasks.includes(action === "drop-leftover" ? "reindex" : action),
  );
  const items = considered.flatMap((action) =>
    outcomes.map((outcome) => ({
      labels: { cluster, action, outcome },
      value: results.filter((result) => result.action === action && result.outcome === outcome).length,
    })),
  );
  const sums = new Map<string, { labels: Record<string, string>; value: number }>();
  for (const { bloatBytes, database, kind, method } of bloat ?? []) {
    const key = JSON.stringify([database, kind, method]);
    const sum = sums.get(key) ?? { labels: { cluster, database, kind, method }, value: 0 };
    sum.value += bloatBytes;
    sums.set(key, sum);
  }
  return [
    {
      name: "dbkeeper_maintain_items",
      help: "Tables and indexes that the last maintenance chose, by what became of them.",
      samples: items,
    },
    {
      name: "dbkeeper_maintain_bloat_bytes",
      help: "Bloat of tables and indexes from 1 MiB on, measured or estimated by the last maintenance where it looked.",
      samples: [...sums.values()],
    },
  ];
}

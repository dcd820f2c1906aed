import type { Family } from "../metrics/family.ts";
import type { MetricsSource } from "../metrics/source.ts";
import { actions, type MaintenanceState, outcomes, readMaintenance } from "./result.ts";

/** What {@link maintainFamilies} gives. */
export const maintenanceMetricNames = [
  "dbkeeper_maintain_items",
  "dbkeeper_maintain_bloat_bytes",
  "dbkeeper_maintain_database_size_bytes",
  "dbkeeper_maintain_dead_rows",
];

/** What the last maintenance did, for the metrics. */
export const maintainMetrics: MetricsSource = {
  ageing: maintenanceMetricNames,
  async read({ config }) {
    // They are in a file of their own then, and the collector refuses a sample that it finds twice.
    if (config.maintain.metricsFile !== undefined) return [];
    const state = await readMaintenance(config);
    return state === undefined ? [] : maintainFamilies(config.cluster.name, state);
  },
};

/** The samples of one maintenance; an action that it did not consider has none. */
export function maintainFamilies(
  cluster: string,
  { results, figures, bloat, tasks }: MaintenanceState,
): Family[] {
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
    {
      name: "dbkeeper_maintain_database_size_bytes",
      help: "Size of a database when the last maintenance ended.",
      samples: figures.map(({ database, bytes }) => ({ labels: { cluster, database }, value: bytes })),
    },
    {
      name: "dbkeeper_maintain_dead_rows",
      help: "Dead rows of all tables of a database when the last maintenance ended, as the server counts them.",
      samples: figures.map(({ database, deadRows }) => ({ labels: { cluster, database }, value: deadRows })),
    },
  ];
}

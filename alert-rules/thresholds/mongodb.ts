import type { Figure } from "../limit.ts";

const same = "as for PostgreSQL (M3 of the requirements)";

export const mongodbFigures = {
  mongoDbDown: {
    value: 0,
    unit: "count",
    forSeconds: 60,
    meaning: "connections that mongodb_exporter gets to its server",
    source: same,
  },
  mongoDbConnectionsWarning: {
    value: 0.8,
    unit: "ratio",
    forSeconds: 300,
    meaning: "connections of MongoDB, as a part of what it may have",
    source: same,
  },
  mongoDbConnectionsCritical: {
    value: 0.95,
    unit: "ratio",
    forSeconds: 60,
    meaning: "connections of MongoDB, as a part of what it may have",
    source: same,
  },
  mongoDbReplicationLag: {
    value: 30,
    unit: "seconds",
    forSeconds: 120,
    meaning: "how far a member of a replica set is behind",
    source: same,
  },
  mongoDbQueue: {
    value: 20,
    unit: "count",
    forSeconds: 120,
    meaning: "operations of MongoDB that wait for a lock",
    source: "as blocked sessions of PostgreSQL",
  },
} as const satisfies Readonly<Record<string, Figure>>;

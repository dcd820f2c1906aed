import type { Figure } from "../limit.ts";

const same = "as for PostgreSQL (M3 of the requirements)";

export const mysqlFigures = {
  mySqlDown: {
    value: 0,
    unit: "count",
    forSeconds: 60,
    meaning: "connections that mysqld_exporter gets to its server",
    source: same,
  },
  mySqlConnectionsWarning: {
    value: 0.8,
    unit: "ratio",
    forSeconds: 300,
    meaning: "connections of MySQL, as a part of max_connections",
    source: same,
  },
  mySqlConnectionsCritical: {
    value: 0.95,
    unit: "ratio",
    forSeconds: 60,
    meaning: "connections of MySQL, as a part of max_connections",
    source: same,
  },
  mySqlCacheHit: {
    value: 0.9,
    unit: "ratio",
    forSeconds: 600,
    meaning: "reads of InnoDB that its buffer pool answers",
    source: same,
  },
  mySqlReadFloor: {
    value: 100,
    unit: "perSecond",
    forSeconds: 0,
    meaning: "reads of InnoDB's buffer pool; with fewer, nothing is said of where they are found",
    source: same,
  },
  mySqlSlowQueries: {
    value: 0.05,
    unit: "ratio",
    forSeconds: 300,
    meaning: "statements that take longer than long_query_time, of all",
    source: same,
  },
  mySqlQueryFloor: {
    value: 0.1,
    unit: "perSecond",
    forSeconds: 0,
    meaning: "statements of MySQL; with fewer, nothing is said of how long they take",
    source: same,
  },
  mySqlReplicationLag: {
    value: 30,
    unit: "seconds",
    forSeconds: 120,
    meaning: "how far a replica is behind its source",
    source: same,
  },
} as const satisfies Readonly<Record<string, Figure>>;

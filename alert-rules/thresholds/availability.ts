import type { Figure } from "../limit.ts";

const oneMinute = "M3 and M4 of the requirements: a database down for one minute";

export const availabilityFigures = {
  hostDown: {
    value: 0,
    unit: "count",
    forSeconds: 60,
    meaning: "answers of a host's node_exporter",
    source: "as long as for a database, which needs its host",
  },
  postgresDown: {
    value: 0,
    unit: "count",
    forSeconds: 60,
    meaning: "connections that postgres_exporter gets to its server",
    source: oneMinute,
  },
  postgresRestarted: {
    value: 0,
    unit: "count",
    forSeconds: 0,
    meaning: "starts of a PostgreSQL server within 15 min",
    source: "each ends all sessions; one on purpose is no harm",
  },
  postgresRestartLoop: {
    value: 2,
    unit: "count",
    forSeconds: 0,
    meaning: "starts of a PostgreSQL server within 30 min",
    source: "chosen: a change and its correction are two",
  },
} as const satisfies Readonly<Record<string, Figure>>;

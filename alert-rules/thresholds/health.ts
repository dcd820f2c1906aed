import type { Figure } from "../limit.ts";

export const healthFigures = {
  roleUnexpected: {
    value: 0,
    unit: "count",
    forSeconds: 60,
    meaning: "servers that are what the site has them for: primaries that take writes, standbys that follow",
    source: "M3 and M8 of the requirements: a primary that takes no writes is as good as one that is down",
  },
  healthUnknown: {
    value: 0,
    unit: "count",
    forSeconds: 600,
    meaning: "parts of a server's health of which nothing is known",
    source: "M8 of the requirements; a restart of the host or of an exporter takes less",
  },
} as const satisfies Readonly<Record<string, Figure>>;

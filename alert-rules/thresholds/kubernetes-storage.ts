import type { Figure } from "../limit.ts";

export const kubernetesStorageFigures = {
  volumeUsed: {
    value: 0.75,
    unit: "ratio",
    forSeconds: 900,
    meaning: "used share of a persistent volume, in bytes or in inodes",
    source: "M2 of the requirements: disk 75 %",
  },
  volumeUsedCritical: {
    value: 0.85,
    unit: "ratio",
    forSeconds: 900,
    meaning: "used share of a persistent volume, in bytes or in inodes",
    source: "M2 of the requirements: disk 85 %",
  },
  volumeFullWithin: {
    value: 4 * 86_400,
    unit: "seconds",
    forSeconds: 3600,
    meaning: "time until a persistent volume is full if it goes on to fill as in the last six hours",
    source: "M13 of the requirements: growth is forecast; a long weekend",
  },
  volumeClaimPending: {
    value: 1,
    unit: "count",
    forSeconds: 900,
    meaning: "whether a claim waits for its volume",
    source: "a provisioner needs seconds, one that waits for its first pod some minutes",
  },
} as const satisfies Readonly<Record<string, Figure>>;

import type { Figure } from "../limit.ts";

const behind = "above 1 autovacuum should be at work on it; a fifth more says that it does not keep up";

export const wraparoundFigures = {
  idsUsed: {
    value: 0.25,
    unit: "ratio",
    forSeconds: 600,
    meaning: "transaction ids (or multixacts) in use, of all there are",
    source: "autovacuum acts at a tenth (autovacuum_freeze_max_age): at a quarter it has failed for long",
  },
  idsUsedCritical: {
    value: 0.5,
    unit: "ratio",
    forSeconds: 600,
    meaning: "transaction ids (or multixacts) in use, of all there are",
    source: "half is left, days at a busy server: vacuum by hand before PostgreSQL takes no more writes",
  },
  freezeRatio: {
    value: 1.2,
    unit: "ratio",
    forSeconds: 3600,
    meaning: "age of a database, of the age at which autovacuum freezes whatever it costs",
    source: behind,
  },
  xminAge: {
    value: 50_000_000,
    unit: "count",
    forSeconds: 600,
    meaning: "transactions for which dead rows are kept",
    source: "a quarter of autovacuum_freeze_max_age, and by far more than a nightly dump takes here",
  },
  preparedAge: {
    value: 3600,
    unit: "seconds",
    forSeconds: 60,
    meaning: "age of a prepared transaction",
    source: "its two phases are a matter of seconds: who began it is gone",
  },
} as const satisfies Readonly<Record<string, Figure>>;

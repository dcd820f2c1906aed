import type { Figure } from "../limit.ts";

export const integrityFigures = {
  checksumFailure: {
    value: 86_400,
    unit: "seconds",
    forSeconds: 60,
    meaning: "time since a page with a wrong checksum was read",
    source: "a day, so that nobody overlooks it: a damaged page does not mend itself when nobody reads it",
  },
  dataChecksums: {
    value: 0,
    unit: "count",
    forSeconds: 3600,
    meaning: "whether a server keeps checksums of its pages",
    source: "the delivered servers have them; without, damage is found by chance",
  },
  loggedDamage: {
    value: 0,
    unit: "count",
    forSeconds: 0,
    meaning: "lines of a server's log in a quarter of an hour that tell of damage or a crash",
    source: "each one is an incident (M12 of the requirements)",
  },
  collationMismatch: {
    value: 0,
    unit: "count",
    forSeconds: 3600,
    meaning: "collations of which the operating system has another version than the indexes were built with",
    source: "an upgrade of the system that was not followed by reindex; an hour for whoever does it",
  },
  observationFailing: {
    value: 0,
    unit: "count",
    forSeconds: 300,
    meaning: "whether the last look at a part of a server saw it",
    source: "five looks of a minute each",
  },
  observationAge: {
    value: 600,
    unit: "seconds",
    forSeconds: 60,
    meaning: "time since a server was looked at",
    source: "ten looks of a minute each: what alerts see is as old",
  },
  observationUnknown: {
    value: 1,
    unit: "count",
    forSeconds: 900,
    meaning: "whether a server has ever been looked at",
    source: "a new host needs the time of its first delivery",
  },
} as const satisfies Readonly<Record<string, Figure>>;

import type { DatabaseEntry, Level, Manifest, Validation } from "../runs/manifest.ts";

const sha256 = "0".repeat(64);
const time = "2026-06-01T02:00:00.000Z";

/** A database of a run, with values that do not matter. */
export function entryFor(name: string): DatabaseEntry {
  return {
    name,
    files: [{ file: "some.dump", sizeBytes: 10, sha256 }],
    durationSeconds: 1.5,
    format: "custom",
    databaseBytes: null,
    sequencesUsedRatio: null,
    locale: {
      encoding: "UTF8",
      collate: "C",
      ctype: "C",
      provider: "c",
      providerLocale: null,
      icuRules: null,
      collationVersion: null,
    },
    extensions: [],
    content: { tables: [], largeObjects: { rows: 0, checksum: "0" } },
    rowEstimates: null,
  };
}

/** A manifest of a complete run without databases, and what differs from it. */
export function manifestFor(differences: Partial<Manifest>): Manifest {
  return {
    formatVersion: 2,
    cluster: "pg01",
    systemIdentifier: null,
    serverVersion: "16.4",
    clientVersion: "16.4",
    standby: false,
    walPosition: null,
    encryption: null,
    startedAt: time,
    finishedAt: time,
    databases: [],
    globals: { file: "globals.sql", sizeBytes: 10, sha256 },
    rolePasswords: null,
    skipped: [],
    failed: [],
    validation: null,
    offsite: null,
    ...differences,
  };
}

/** A validation in which every database ended alike. */
export function validationFor(
  level: Level,
  outcome: Validation["outcome"],
  names: readonly string[],
): Validation {
  const reason = outcome === "passed" ? null : "damaged";
  return {
    level,
    outcome,
    startedAt: time,
    finishedAt: time,
    databases: names.map((name) => ({
      name,
      outcome,
      durationSeconds: 1,
      reason,
      notRestored: [],
      uncompared: null,
      indexes: null,
      checks: [],
    })),
    globalsReason: null,
  };
}

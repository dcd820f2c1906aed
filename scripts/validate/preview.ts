import type { Context } from "../context.ts";
import { formatBytes } from "../events.ts";
import { type Level, sizeOfDump } from "../runs/manifest.ts";
import type { Run } from "../runs/runs.ts";
import { checksFor, checksWithoutDatabase } from "./checks.ts";

/** Tells what a validation would do with each database, without opening a file or a server. */
export function previewValidate({ config, report }: Context, run: Run, level: Level): void {
  const where = (config.restoreInto ?? config.cluster).socketDirectory;
  const doing = {
    checksum: "would hold its files against the manifest",
    decode: "would hold its files against the manifest and read all of it",
    restore: `would restore it into a scratch database on the server at ${where} and compare it`,
  }[level];
  const { databases } = run.manifest;
  for (const entry of databases) {
    const { name, content } = entry;
    const checks = level === "restore" ? checksFor(config.checks, name).map((check) => check.name) : [];
    const sizeBytes = sizeOfDump(entry);
    report.event(
      "info",
      "validation-planned",
      `${JSON.stringify(name)} (${formatBytes(sizeBytes)}): ${doing}`,
      {
        run: run.id,
        database: name,
        validationLevel: level,
        sizeBytes,
        checks,
        counted: content !== null,
      },
    );
  }
  const names = databases.map(({ name }) => name);
  for (const { check, database } of checksWithoutDatabase(config.checks, names)) {
    const text = `check "${check}" would not run: the run does not hold database ${JSON.stringify(database)}`;
    report.event("warning", "check-not-run", text, { run: run.id, check, database });
  }
}

import type { Lab } from "./lab.ts";
import { type Alert, alert, type RuleGroup, selector } from "./rule.ts";

/** Backups that are too old, counted from the last one that was proven by restoring it. */
export function backup({ clusters }: Lab): RuleGroup {
  return {
    name: "backup",
    rules: clusters.flatMap(({ name, primary, databases, maximumDumpAgeHours }) =>
      databases.flatMap((database) => {
        const series = selector("dbkeeper_last_validated_timestamp_seconds", { cluster: name, database });
        const labels = { cluster: name, database, instance: primary };
        return [tooOld(series, maximumDumpAgeHours), neverValidated(series, labels)];
      }),
    ),
  };
}

function tooOld(series: string, maximumAgeHours: number): Alert {
  return alert({
    name: "DatabaseBackupTooOld",
    expression: `time() - ${series} > ${maximumAgeHours * 3600}`,
    forSeconds: 300,
    severity: "critical",
    area: "backup",
    summary: "The last validated database backup is too old.",
    description: `The last dump of {{ $labels.database }} that was proven by a restore is {{ $value | humanizeDuration }} old; at most ${maximumAgeHours} h are allowed.`,
  });
}

function neverValidated(series: string, labels: Readonly<Record<string, string>>): Alert {
  return alert({
    name: "DatabaseBackupUnknown",
    expression: `absent(${series})`,
    // A new host needs the time of its first run.
    forSeconds: 3600,
    severity: "critical",
    area: "backup",
    summary: "Nothing is known of a database's backups.",
    description: "No validated dump of {{ $labels.database }} has ever been reported.",
    labels,
  });
}

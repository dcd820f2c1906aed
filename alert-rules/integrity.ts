import type { Lab } from "./lab.ts";
import { observedWindow } from "./observed.ts";
import { type Alert, alert, type RuleGroup } from "./rule.ts";

/** Whether data are what was written, and whether the server that keeps them lives through its work. */
export function integrity(lab: Lab): RuleGroup {
  return {
    name: "integrity",
    intervalSeconds: lab.every(60),
    rules: [
      checksumFailed(lab),
      checksumsOff(lab),
      ...incidents.map((incident) => logged(lab, incident)),
      collationMismatch(lab),
      collationsOutdated(lab),
    ],
  };
}

const checksumFailed = (lab: Lab) => {
  const limit = lab.limit("checksumFailure");
  return alert({
    name: "ChecksumFailure",
    expression: `time() - dbkeeper_observed_checksum_last_failure_timestamp_seconds{job="node"} < ${limit.value}`,
    limit,
    severity: "critical",
    area: "integrity",
    summary: "A page of a database is damaged.",
    description:
      "PostgreSQL on {{ $labels.instance }} read a page of {{ $labels.database }} with a wrong checksum {{ $value | humanizeDuration }} ago: disk, memory or storage changed what was written. Keep all backups.",
    value: "{{ $value | humanizeDuration }} ago",
  });
};

const checksumsOff = (lab: Lab) => {
  const limit = lab.limit("dataChecksums");
  return alert({
    name: "DataChecksumsOff",
    expression: `dbkeeper_observed_data_checksums{job="node"} == ${limit.value}`,
    limit,
    severity: "warning",
    area: "integrity",
    summary: "A server keeps no checksums of its data.",
    description: "PostgreSQL on {{ $labels.instance }} would not notice when its disk changes a page.",
    value: "off",
  });
};

interface Incident extends Pick<Alert, "name" | "severity" | "summary" | "description"> {
  /** Of `dbkeeper_log_events_total`. */
  readonly event: string;
}

const incidents: readonly Incident[] = [
  {
    name: "DataCorruptionLogged",
    event: "corruption",
    severity: "critical",
    summary: "PostgreSQL has found damaged data.",
    description:
      "The log of {{ $labels.instance }} tells of damaged data or a damaged index (XX001, XX002). Keep all backups, and find out what is affected.",
  },
  {
    name: "PostgresPanicked",
    event: "panic",
    severity: "critical",
    summary: "PostgreSQL has stopped by itself: PANIC.",
    description:
      "The server on {{ $labels.instance }} could not go on without risking its data and stopped. Its log says why; a full disk is the usual reason.",
  },
  {
    name: "PostgresCrashed",
    event: "crash",
    severity: "critical",
    summary: "A process of PostgreSQL was ended by a signal.",
    description:
      "A server process on {{ $labels.instance }} has crashed or was killed; the server has thrown out all sessions and recovered.",
  },
  {
    name: "PostgresIoError",
    event: "io_error",
    severity: "critical",
    summary: "PostgreSQL cannot read or write its files.",
    description:
      "The server on {{ $labels.instance }} gets I/O errors (58030): its disk or file system fails. Fail over before it gets worse.",
  },
  {
    name: "PostgresDiskFull",
    event: "disk_full",
    severity: "critical",
    summary: "PostgreSQL has no room to write.",
    description: "Statements on {{ $labels.instance }} fail because a disk is full (53100).",
  },
  {
    name: "PostgresOutOfMemory",
    event: "out_of_memory",
    severity: "warning",
    summary: "PostgreSQL gets no memory.",
    description: "Statements on {{ $labels.instance }} fail because there is no memory left (53200).",
  },
];

function logged(lab: Lab, { event, ...texts }: Incident): Alert {
  const limit = lab.limit("loggedDamage");
  return alert({
    ...texts,
    expression: `increase(dbkeeper_log_events_total{job="node",kind="${event}"}[${observedWindow(lab, 900)}]) > ${limit.value}`,
    limit,
    area: "integrity",
    value: "{{ $value | humanize }} lines of the log",
  });
}

const collationMismatch = (lab: Lab) => {
  const limit = lab.limit("collationMismatch");
  return alert({
    name: "CollationMismatch",
    expression: `dbkeeper_observed_collation_mismatch{job="node"} > ${limit.value}`,
    limit,
    severity: "warning",
    area: "integrity",
    summary: "A database sorts by other rules than its indexes.",
    description:
      "The operating system of {{ $labels.instance }} sorts text differently than when {{ $labels.database }} was made: indexes on text may miss rows and allow duplicates until they are rebuilt.",
    value: "another version",
  });
};

const collationsOutdated = (lab: Lab) => {
  const limit = lab.limit("collationMismatch");
  return alert({
    name: "CollationsOutdated",
    expression: `dbkeeper_observed_outdated_collations{job="node"} > ${limit.value}`,
    limit,
    severity: "warning",
    area: "integrity",
    summary: "Objects of a database were built with older collations.",
    description:
      "{{ $value }} collations that {{ $labels.database }} on {{ $labels.instance }} uses have another version than its objects were built with: rebuild the indexes that depend on them.",
    value: "{{ $value }} collations",
  });
};

import type { Proofs } from "./testing/proof.ts";

const host = 'job="node",instance="proj-pg01",cluster="pg01"';
const placed = { job: "node", instance: "proj-pg01", cluster: "pg01" };
const hour = 3600;

const schedules: readonly (readonly [command: string, limitSeconds: number, ago: string])[] = [
  ["run", 26 * hour, "1d 2h 1m 0s"],
  ["archive", 20 * hour, "20h 1m 0s"],
  ["wal backup", 28 * hour, "1d 4h 1m 0s"],
  ["wal drill", 8 * 24 * hour, "8d 0h 1m 0s"],
];

export const backupRunsProofs: Proofs = [
  {
    alert: "BackupJobFailed",
    severity: "warning",
    good: { [`dbkeeper_last_run_exit_code{${host},command="run"}`]: 0 },
    bad: { [`dbkeeper_last_run_exit_code{${host},command="run"}`]: 8 },
    labels: { ...placed, command: "run" },
    says: "The last `dbkeeper run` on proj-pg01 ended with exit code 8; `dbkeeper --help` lists what they mean.",
    shows: "exit code 8",
    // Somebody who mistypes a restore sees so at once.
    elsewhere: { [`dbkeeper_last_run_exit_code{${host},command="restore"}`]: 2 },
  },
  ...schedules.map(([command, limitSeconds, ago]) => {
    const ended = `dbkeeper_last_run_timestamp_seconds{${host},command="${command}"}`;
    return {
      alert: "BackupJobOverdue",
      severity: "warning" as const,
      good: { [ended]: { ageSeconds: limitSeconds - 60 } },
      bad: { [ended]: { ageSeconds: limitSeconds + 60 } },
      labels: { cluster: "pg01", command },
      says: `\`dbkeeper ${command}\` of cluster pg01 ended ${ago} ago for the last time: does its timer still run on proj-pg01?`,
      shows: ago,
      elsewhere: {
        [ended]: { ageSeconds: limitSeconds * 2 },
        [ended.replace("proj-pg01", "proj-pg02")]: { ageSeconds: 60 },
      },
    };
  }),
  {
    alert: "BackupRunTooLong",
    severity: "warning",
    good: { [`dbkeeper_run_duration_seconds{${host}}`]: 2690 },
    bad: { [`dbkeeper_run_duration_seconds{${host}}`]: 2710 },
    labels: placed,
    says: "The newest run of dumps on proj-pg01 took 45m 10s: it will soon run into what comes after it.",
    shows: "45m 10s",
  },
];

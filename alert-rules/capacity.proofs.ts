import { selector } from "./rule.ts";
import type { Proofs } from "./testing/proof.ts";
import type { Series } from "./testing/series.ts";

export const disk = {
  job: "node",
  instance: "proj-pg01",
  device: "/dev/sdb",
  fstype: "ext4",
  mountpoint: "/mnt/backup",
};
export const GB = 1e9;
export const available = selector("node_filesystem_avail_bytes", disk);
const free = selector("node_filesystem_files_free", disk);
export const size: Series = { [selector("node_filesystem_size_bytes", disk)]: 1000 * GB };
const files: Series = { [selector("node_filesystem_files", disk)]: 1000 };

const sequence =
  'dbkeeper_sequence_used_ratio{job="node",instance="proj-pg01",cluster="pg01",database="desi"}';
const runsOut = {
  alert: "SequenceRunsOut",
  labels: { job: "node", instance: "proj-pg01", cluster: "pg01", database: "desi" },
  says: "A sequence in desi on proj-pg01 has given away most of the values that it or its column may have: after the last one every insert that needs one fails.",
} as const;

export const capacityProofs: Proofs = [
  {
    alert: "DiskSpaceLow",
    severity: "warning",
    always: size,
    good: { [available]: 251 * GB },
    bad: { [available]: 249 * GB },
    labels: disk,
    says: "/mnt/backup on proj-pg01 is 75.1% full. From 80 % on its extension is to be planned, at 85 % made.",
    shows: "75.1%",
  },
  {
    alert: "DiskSpaceLow",
    severity: "critical",
    always: size,
    good: { [available]: 300 * GB },
    bad: { [available]: 149 * GB },
    labels: disk,
    says: "/mnt/backup on proj-pg01 is 85.1% full. From 80 % on its extension is to be planned, at 85 % made.",
    shows: "85.1%",
    also: ["DiskSpaceLow warning"],
  },
  {
    alert: "DiskSpacePlanDue",
    severity: "warning",
    always: size,
    good: { [available]: 251 * GB },
    bad: { [available]: 199 * GB },
    labels: disk,
    says: "/mnt/backup on proj-pg01 is 80.1% full: decide now what is deleted, moved or bought.",
    shows: "80.1%",
    also: ["DiskSpaceLow warning"],
  },
  {
    alert: "InodesLow",
    severity: "warning",
    always: files,
    good: { [free]: 251 },
    bad: { [free]: 249 },
    labels: disk,
    says: "/mnt/backup on proj-pg01 has used 75.1% of the files that it may have: then nothing can be created, whatever room there is.",
    shows: "75.1%",
  },
  {
    alert: "InodesLow",
    severity: "critical",
    always: files,
    good: { [free]: 300 },
    bad: { [free]: 149 },
    labels: disk,
    says: "/mnt/backup on proj-pg01 has used 85.1% of the files that it may have: then nothing can be created, whatever room there is.",
    shows: "85.1%",
    also: ["InodesLow warning"],
  },
  {
    alert: "DiskFullSoon",
    severity: "critical",
    stepMinutes: 5,
    warmUpMinutes: 390,
    delayMinutes: 170,
    always: size,
    good: { [available]: 490 * GB },
    bad: { [available]: { perMinute: -1 * GB } },
    elsewhere: [
      // A dump that was written within ten minutes, and hardly anything since.
      {
        [available]: {
          inTurn: [
            [240, 490 * GB],
            [10, { perMinute: -13 * GB }],
            [0, { perMinute: -0.1 * GB }],
          ],
        },
      },
      // A disk of which less than half is used.
      {
        [available]: {
          inTurn: [
            [360, 980 * GB],
            [270, { perMinute: -1.6 * GB }],
            [0, { perMinute: 0 }],
          ],
        },
      },
    ],
    labels: disk,
    says: "If /mnt/backup on proj-pg01 goes on filling as in the last six hours, it is full in 8h 8m 48s.",
    shows: "8h 8m 48s",
  },
  {
    ...runsOut,
    severity: "warning",
    good: { [sequence]: 0.75 },
    bad: { [sequence]: 0.76 },
    shows: "76%",
  },
  {
    ...runsOut,
    severity: "critical",
    good: { [sequence]: 0.75 },
    bad: { [sequence]: 0.96 },
    shows: "96%",
    also: ["SequenceRunsOut warning"],
  },
];

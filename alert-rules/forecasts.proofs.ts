import { available, disk, GB, size } from "./capacity.proofs.ts";
import { selector } from "./rule.ts";
import type { Proofs } from "./testing/proof.ts";

const server = { job: "postgres", instance: "proj-pg01", cluster: "pg01" };
const bytes = selector("pg_database_size_bytes", { ...server, datname: "desi" });
const role = selector("pg_replication_is_replica", server);

export const forecastsProofs: Proofs = [
  {
    alert: "DiskSpaceForecast",
    severity: "warning",
    stepMinutes: 360,
    warmUpMinutes: 8 * 1440,
    delayMinutes: 2880,
    clearMinutes: 360,
    always: size,
    good: { [available]: 490 * GB },
    bad: { [available]: { perMinute: -0.03 * GB } },
    // Of this one less than half is used.
    elsewhere: {
      [available]: {
        inTurn: [
          [360, 950 * GB],
          [0, { perMinute: -0.02 * GB }],
        ],
      },
    },
    labels: disk,
    says: "If /mnt/backup on proj-pg01 goes on filling as in the last seven days, it is 85 % full in 21d 1h 31m 19s.",
    shows: "21d 1h 31m 19s",
  },
  {
    alert: "DatabaseGrowsFast",
    severity: "warning",
    stepMinutes: 360,
    warmUpMinutes: 8 * 1440,
    delayMinutes: 6480,
    clearMinutes: 720,
    always: { [role]: 0 },
    good: { [bytes]: 5 * GB },
    bad: { [bytes]: { perMinute: 0.0002 * GB } },
    elsewhere: [
      // A standby of the same growth is no second one.
      { [role]: 1, [bytes]: { perMinute: 4 * GB } },
      // One that is small may well double.
      {
        [role]: 0,
        [bytes]: {
          inTurn: [
            [360, 0.3 * GB],
            [0, { perMinute: 0.00003 * GB }],
          ],
        },
      },
    ],
    labels: { ...server, datname: "desi" },
    says: "If desi on proj-pg01 goes on growing as in the last seven days, it grows by 105.8% in 30 days: disks, dumps and their archive have to hold it.",
    shows: "105.8% in 30 days",
  },
];

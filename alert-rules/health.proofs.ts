import type { Proofs } from "./testing/proof.ts";
import type { Series } from "./testing/series.ts";

const server = 'job="postgres",instance="proj-pg01",cluster="pg01"';
const standby = 'job="postgres",instance="proj-pg02",cluster="pg01"';
const looked = 'job="node",instance="proj-pg01",cluster="pg01"';
const host = 'job="node",instance="proj-pg01"';
const settings = `${server},server="/run:5432"`;

const replica = "pg_replication_is_replica";
const readOnly = `pg_settings_default_transaction_read_only{${settings}}`;

/** A primary with a standby, well enough in every part by a hair. */
export const wellServer: Series = {
  [`up{${server}}`]: 1,
  [`pg_up{${server}}`]: 1,
  [`${replica}{${server}}`]: 0,
  [readOnly]: 0,
  [`pg_stat_activity_count{${settings},datname="desi",usename="astro",state="active",application_name="app",backend_type="client backend",wait_event_type="",wait_event=""}`]: 80,
  [`pg_settings_max_connections{${settings}}`]: 103,
  [`pg_settings_superuser_reserved_connections{${settings}}`]: 3,
  [`dbkeeper_observed_streaming_standbys{${looked}}`]: 1,
  [`dbkeeper_observed_longest_lock_wait_seconds{${looked},database="desi"}`]: 0,
  [`node_filesystem_avail_bytes{${host},device="/dev/sda1",fstype="ext4",mountpoint="/",device_error=""}`]: 30,
  [`node_filesystem_size_bytes{${host},device="/dev/sda1",fstype="ext4",mountpoint="/",device_error=""}`]: 100,
  [`node_memory_MemAvailable_bytes{${host}}`]: 30,
  [`node_memory_MemTotal_bytes{${host}}`]: 100,
};

const says = (name: string) =>
  `${name} of cluster pg01 answers and cannot do its work: a primary that is in recovery or takes no writes, or a standby that was promoted.`;
const role = { alert: "PostgresRoleUnexpected", severity: "critical", shows: "another role" } as const;
const labels = { cluster: "pg01", component: "role" };

export const healthProofs: Proofs = [
  {
    ...role,
    good: { [`${replica}{${server}}`]: 0, [readOnly]: 0 },
    bad: { [`${replica}{${server}}`]: 1 },
    labels: { ...labels, instance: "proj-pg01" },
    says: says("proj-pg01"),
    elsewhere: { [`${replica}{${standby}}`]: 1, [`${readOnly.replaceAll("pg01", "pg02")}`]: 1 },
  },
  {
    ...role,
    good: { [`${replica}{${server}}`]: 0, [readOnly]: 0 },
    bad: { [readOnly]: 1 },
    labels: { ...labels, instance: "proj-pg01" },
    says: says("proj-pg01"),
  },
  {
    ...role,
    good: { [`${replica}{${standby}}`]: 1 },
    bad: { [`${replica}{${standby}}`]: 0 },
    labels: { ...labels, instance: "proj-pg02" },
    says: says("proj-pg02"),
    elsewhere: { [`${replica}{${server}}`]: 0, [readOnly]: 0 },
  },
  {
    alert: "PostgresHealthUnknown",
    severity: "warning",
    good: wellServer,
    bad: { [`node_memory_MemAvailable_bytes{${host}}`]: "absent" },
    labels: { instance: "proj-pg01", cluster: "pg01" },
    says: "Of what tells whether the server on proj-pg01 is well, 1 of its parts are missing: it does not count as healthy, and alerts on these parts are blind.",
    shows: "1 unknown",
    // A server that is down is not unknown.
    elsewhere: { [`up{${server}}`]: 1, [`pg_up{${server}}`]: 0 },
  },
];

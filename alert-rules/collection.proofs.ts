import { onTopOf } from "./testing/baseline.ts";
import type { Proofs } from "./testing/proof.ts";

const host = 'job="node",instance="proj-pg01"';
const server = 'job="postgres",instance="proj-pg01",cluster="pg01"';
const ofHost = { job: "node", instance: "proj-pg01" };
const ofServer = { job: "postgres", instance: "proj-pg01", cluster: "pg01" };
const watcher = { job: "node", instance: "proj-mon01" };

const ran = 'lab_proxwatch_last_run_timestamp_seconds{job="node",instance="proj-mon01"}';
const collector = `node_scrape_collector_success{${host},collector="edac"}`;
const written = `node_textfile_mtime_seconds{${host},file="/var/lib/node_exporter/textfile/dbkeeper.prom"}`;
const unwatched =
  "proxwatch on proj-mon01 does not run: guests, nodes, jobs and backups are as it last saw them, and their alerts stay silent.";

export const collectionProofs: Proofs = onTopOf({ [ran]: { ageSeconds: 30 } }, [
  {
    alert: "PostgresCollectorFailing",
    severity: "warning",
    good: { [`pg_scrape_collector_success{${server},collector="wal"}`]: 1 },
    bad: { [`pg_scrape_collector_success{${server},collector="wal"}`]: 0 },
    labels: { ...ofServer, collector: "wal" },
    says: "postgres_exporter on proj-pg01 cannot collect wal: alerts that read it stay silent.",
  },
  {
    alert: "PostgresExporterErrors",
    severity: "warning",
    good: { [`pg_exporter_last_scrape_error{${server}}`]: 0 },
    bad: { [`pg_exporter_last_scrape_error{${server}}`]: 1 },
    labels: ofServer,
    says: "Some queries of postgres_exporter on proj-pg01 fail: alerts that read their series stay silent.",
  },
  {
    alert: "NodeCollectorFailing",
    severity: "warning",
    good: { [collector]: 1 },
    bad: { [collector]: 0 },
    labels: { ...ofHost, collector: "edac" },
    says: "node_exporter on proj-pg01 can no longer collect edac: alerts that read it stay silent.",
    elsewhere: { [collector]: 0 },
  },
  {
    alert: "TextfileUnreadable",
    severity: "warning",
    good: { [`node_textfile_scrape_error{${host}}`]: 0 },
    bad: { [`node_textfile_scrape_error{${host}}`]: 1 },
    labels: ofHost,
    says: "node_exporter on proj-pg01 cannot read a file of metrics: what our own programs see does not arrive.",
  },
  {
    alert: "TextfileStale",
    severity: "warning",
    good: { [written]: { ageSeconds: 26 * 3600 - 60 } },
    bad: { [written]: { ageSeconds: 26 * 3600 + 60 } },
    labels: { ...ofHost, file: "/var/lib/node_exporter/textfile/dbkeeper.prom" },
    says: "/var/lib/node_exporter/textfile/dbkeeper.prom on proj-pg01 was last written 1d 2h 1m 0s ago: what writes it does not run.",
    shows: "1d 2h 1m 0s",
  },
  {
    alert: "ProxwatchStale",
    severity: "critical",
    good: { [ran]: { ageSeconds: 540 } },
    bad: { [ran]: { ageSeconds: 660 } },
    labels: watcher,
    says: unwatched,
  },
  {
    alert: "ProxwatchStale",
    severity: "critical",
    good: { [ran]: { ageSeconds: 60 } },
    bad: { [ran]: "absent" },
    labels: watcher,
    says: unwatched,
  },
]);

import type { Proofs } from "./testing/proof.ts";

const target = 'job="mongodb",instance="proj-mongo01"';
const where = { job: "mongodb", instance: "proj-mongo01" };
const connections = (kind: string) => `mongodb_ss_connections{${target},conn_type="${kind}"}`;
const queue = `mongodb_ss_globalLock_currentQueue{${target},count_type="total"}`;
const member = 'name="proj-mongo02:27017",set="rs0",state="SECONDARY"';
const inSet = { ...where, name: "proj-mongo02:27017", set: "rs0", state: "SECONDARY" };

const runningOut = {
  alert: "MongoDbConnectionsHigh",
  labels: { instance: "proj-mongo01" },
  says: "MongoDB on proj-mongo01 has given away most of its connections; then it refuses everybody.",
  good: { [connections("current")]: 80, [connections("available")]: 20 },
} as const;

export const mongodbProofs: Proofs = [
  {
    alert: "MongoDbExporterDown",
    severity: "critical",
    good: { [`up{${target}}`]: 1 },
    bad: { [`up{${target}}`]: 0 },
    labels: where,
    says: "mongodb_exporter for proj-mongo01 does not answer: the state of the database is unknown.",
  },
  {
    alert: "MongoDbDown",
    severity: "critical",
    good: { [`mongodb_up{${target}}`]: 1 },
    bad: { [`mongodb_up{${target}}`]: 0 },
    labels: where,
    says: "mongodb_exporter cannot connect to MongoDB on proj-mongo01.",
  },
  {
    ...runningOut,
    severity: "warning",
    bad: { [connections("current")]: 81, [connections("available")]: 19 },
    shows: "81%",
  },
  {
    ...runningOut,
    severity: "critical",
    bad: { [connections("current")]: 96, [connections("available")]: 4 },
    shows: "96%",
  },
  {
    alert: "MongoDbOperationsQueue",
    severity: "warning",
    good: { [queue]: 20 },
    bad: { [queue]: 21 },
    labels: { instance: "proj-mongo01" },
    says: "On proj-mongo01 operations of MongoDB queue up behind another one's lock.",
    shows: "21 operations",
  },
  {
    alert: "MongoDbMemberUnhealthy",
    severity: "critical",
    good: { [`mongodb_mongod_replset_member_health{${target},${member}}`]: 1 },
    bad: { [`mongodb_mongod_replset_member_health{${target},${member}}`]: 0 },
    labels: inSet,
    says: "proj-mongo01 does not reach the member proj-mongo02:27017 of replica set rs0: with one more away nobody can write.",
  },
  {
    alert: "MongoDbReplicationLag",
    severity: "critical",
    good: { [`mongodb_mongod_replset_member_replication_lag{${target},${member}}`]: 30 },
    bad: { [`mongodb_mongod_replset_member_replication_lag{${target},${member}}`]: 31 },
    labels: inSet,
    says: "The member proj-mongo02:27017 of replica set rs0 is behind, as proj-mongo01 sees it: a failover to it loses this.",
    shows: "31s",
  },
];

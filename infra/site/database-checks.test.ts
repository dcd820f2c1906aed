import { refuses } from "./testing.ts";

refuses("Databases that are wrong", [
  [
    "a standby that is the primary",
    (s) => {
      s.databases.postgres[0].standbys = ["proj-pg01"];
    },
    'databases.postgres[0].standbys[0]: "proj-pg01": it is in the cluster already; allowed: another guest',
  ],
  [
    "a guest in two clusters",
    (s) => {
      s.databases.postgres.push({ ...s.databases.postgres[0], name: "pg02", standbys: [] });
    },
    'databases.postgres[1].primary: "proj-pg01": it is in cluster pg01 already, and a guest has one server; allowed: another guest',
  ],
  [
    "clusters that stream from each other",
    (s) => {
      s.databases.postgres.push({
        ...s.databases.postgres[0],
        name: "pg02",
        primary: "proj-pg02",
        standbys: ["proj-pg01"],
      });
      s.archive.buckets.dumps.writers.push("proj-pg02");
    },
    'databases.postgres[1].primary: "proj-pg02": it is in cluster pg01 already, and a guest has one server; allowed: another guest',
    'databases.postgres[1].standbys[0]: "proj-pg01": it is in cluster pg01 already, and a guest has one server; allowed: another guest',
  ],
  [
    "dumps that are to go off-site, from a host that may not put them there",
    (s) => {
      s.archive.buckets.dumps.writers = ["proj-pg02"];
    },
    'databases.postgres[0].dump.offsite: "required": the primary proj-pg01 is no writer of the archive\'s bucket of dumps; allowed: proj-pg01 in archive.buckets.dumps.writers, or none: then no dump leaves the host',
  ],
  [
    "a server from an archive that nobody vouches for",
    (s) => {
      s.databases.postgres[0].packages = "ppa";
    },
    'databases.postgres[0].packages: "ppa": it is none of the choices; allowed: distribution, pgdg',
  ],
  [
    "two clusters with one name",
    (s) => {
      s.databases.postgres.push({ ...s.databases.postgres[0], primary: "proj-dp01", standbys: [] });
      s.archive.buckets.dumps.writers.push("proj-dp01");
    },
    'databases.postgres[1].name: "pg01": cluster pg01 is named twice; allowed: a value of its own',
  ],
  [
    "a database on a guest that the program does not make",
    (s) => {
      s.databases.postgres[0].standbys = ["proj-my01"];
    },
    'databases.postgres[0].standbys[0]: "proj-my01": software is delivered to it, but the program does not make it; allowed: a Linux guest with managed: true',
  ],
  [
    "an unknown primary",
    (s) => {
      s.databases.postgres[0].primary = "proj-pg09";
    },
    'databases.postgres[0].primary: "proj-pg09": there is no such guest; allowed: proj-dp01, proj-pg01, proj-pg02, proj-mon01, proj-exp01, proj-my01, proj-mongo01, proj-rdb01, proj-k8s01, proj-k8s02, proj-k8s03, proj-win01',
  ],
  [
    "a version that nobody supports",
    (s) => {
      s.databases.postgres[0].version = 12;
    },
    "databases.postgres[0].version: 12: it is not valid; allowed: a supported major version, 13 to 18",
  ],
  [
    "one role for two purposes",
    (s) => {
      s.databases.postgres[0].roles.backup = "monitoring_pg01";
    },
    'databases.postgres[0].roles.monitoring: "monitoring_pg01": it is the backup role already, and each has rights of its own; allowed: a role of its own',
  ],
  [
    "a role with a name of PostgreSQL's own",
    (s) => {
      s.databases.postgres[0].roles.backup = "pg_backup";
    },
    'databases.postgres[0].roles.backup: "pg_backup": PostgreSQL keeps this name for itself; allowed: another name',
  ],
  [
    "a database that would need quotes",
    (s) => {
      s.databases.postgres[0].databases = ["DESI"];
    },
    'databases.postgres[0].databases[0]: "DESI": it is not valid; allowed: a plain SQL identifier: lower-case letters, digits and underscores, at most 63',
  ],
  [
    "a database that is named twice",
    (s) => {
      s.databases.postgres[0].databases.push("template_desi");
    },
    'databases.postgres[0].databases[3]: "template_desi": it is named twice; allowed: each database once',
  ],
  [
    "a database that every cluster has",
    (s) => {
      s.databases.postgres[0].databases.push("postgres");
    },
    'databases.postgres[0].databases[3]: "postgres": it is in every cluster; allowed: a database of your own',
  ],
  [
    "too few senders",
    (s) => {
      s.databases.postgres[0].wal = { maxSenders: 1 };
    },
    "databases.postgres[0].wal.maxSenders: 1: 1 standbys stream, and one more is taken while one of them is made; allowed: at least 2",
  ],
  [
    "a port that an exporter has",
    (s) => {
      s.databases.postgres[0].port = 9187;
    },
    "databases.postgres[0].port: 9187: monitoring.ports.postgres is an exporter's on the same host; allowed: another port",
  ],
  [
    "a schedule that systemd cannot parse",
    (s) => {
      s.databases.postgres[0].dump.schedule = "every night";
    },
    'databases.postgres[0].dump.schedule: "every night": systemd cannot parse this schedule: "every night" is not a calendar event: "every" is no weekday; weekdays are mon, tue, … sun; allowed: a calendar event such as *-*-* 03:00:00 UTC, sun 03:00 or daily',
  ],
  [
    "a schedule in a time zone that does not exist",
    (s) => {
      s.databases.postgres[0].dump.schedule = "03:00 Mars/Olympus";
    },
    'databases.postgres[0].dump.schedule: "03:00 Mars/Olympus": systemd cannot parse this schedule: there is no time zone Mars/Olympus; allowed: a calendar event such as *-*-* 03:00:00 UTC, sun 03:00 or daily',
  ],
  [
    "dumps that overlap",
    (s) => {
      s.databases.postgres[0].dump.schedule = "*:0/30";
    },
    'databases.postgres[0].dump.schedule: "*:0/30": it starts again after 30 min (Fri 2027-01-01 00:30, Fri 2027-01-01 01:00, Fri 2027-01-01 01:30), before a run of up to 45 min has ended; allowed: runs that are further apart, or a smaller durationLimitMinutes',
  ],
  [
    "dumps that break the recovery point objective of the primary",
    (s) => {
      s.databases.postgres[0].dump.schedule = "mon,thu 03:00";
      s.monitoring.maximumDumpAgeHours = 100;
    },
    'databases.postgres[0].dump.schedule: "mon,thu 03:00": it leaves up to 96 h between two dumps (Mon 2027-01-04 03:00, Thu 2027-01-07 03:00, Mon 2027-01-11 03:00); allowed: at most 24 h between two dumps, since the primary proj-pg01 is of tier critical',
  ],
  [
    "a recovery point objective that no schedule of the site meets",
    (s) => {
      s.objectives.critical.rpoHours = 12;
    },
    'guests[0].backup.policy: "proj-dp01-daily": its schedule 01:00 leaves up to 24 h between two backups (Fri 2027-01-01 01:00, Sat 2027-01-02 01:00, Sun 2027-01-03 01:00); allowed: at most 12 h between two backups for tier critical',
    'guests[1].backup.policy: "proj-pg01-daily": its schedule 02:00 leaves up to 24 h between two backups (Fri 2027-01-01 02:00, Sat 2027-01-02 02:00, Sun 2027-01-03 02:00); allowed: at most 12 h between two backups for tier critical',
    'databases.postgres[0].dump.schedule: "*-*-* 03:00:00 UTC": it leaves up to 24 h between two dumps (Fri 2027-01-01 03:00, Sat 2027-01-02 03:00, Sun 2027-01-03 03:00); allowed: at most 12 h between two dumps, since the primary proj-pg01 is of tier critical',
  ],
  [
    "a database of an unknown engine",
    (s) => {
      s.databases.others[0].engine = "oracle";
    },
    'databases.others[0].engine: "oracle": it is none of the choices; allowed: mysql, mongodb, rustydb',
  ],
  [
    "a database on an unknown guest",
    (s) => {
      s.databases.others[0].guest = "proj-my09";
    },
    'databases.others[0].guest: "proj-my09": there is no such guest; allowed: proj-dp01, proj-pg01, proj-pg02, proj-mon01, proj-exp01, proj-my01, proj-mongo01, proj-rdb01, proj-k8s01, proj-k8s02, proj-k8s03, proj-win01',
  ],
]);

import type { Drill } from "./drill.ts";
import { psql } from "./psql.ts";

const server = "postgresql@15-main.service";
const primary = { instance: "proj-pg01" };
const standby = { instance: "proj-pg02" };

/** What breaks on database servers. */
export const databaseDrills: readonly Drill[] = [
  {
    name: "stop-postgres",
    breaks: "PostgreSQL on the primary is stopped",
    alert: "PostgresDown",
    severity: "critical",
    labels: primary,
    says: "cannot connect to PostgreSQL",
    disturbs: ["primary", "replication"],
    break: async ({ sh }) => void (await sh("primary", `systemctl stop ${server}`)),
    mend: async ({ sh }) => void (await sh("primary", `systemctl start ${server}`)),
  },
  {
    name: "stop-exporter",
    breaks: "postgres_exporter on the standby is stopped",
    alert: "PostgresExporterDown",
    severity: "critical",
    labels: standby,
    says: "the state of the database is unknown",
    disturbs: ["standby"],
    break: async ({ sh }) => void (await sh("standby", "systemctl stop postgres_exporter")),
    mend: async ({ sh }) => void (await sh("standby", "systemctl start postgres_exporter")),
  },
  {
    name: "stop-standby",
    breaks: "PostgreSQL on the standby is stopped",
    alert: "StandbyNotStreaming",
    severity: "critical",
    labels: {},
    says: "proj-pg02",
    disturbs: ["standby", "replication"],
    break: async ({ sh }) => void (await sh("standby", `systemctl stop ${server}`)),
    mend: async ({ sh }) => void (await sh("standby", `systemctl start ${server}`)),
  },
  {
    name: "cut-replication",
    breaks: "the standby's way to the primary is cut",
    alert: "StandbyReceivesNothing",
    severity: "warning",
    labels: standby,
    says: "proj-pg02",
    disturbs: ["standby", "replication"],
    break: async ({ sh }) => {
      // In a table of its own, which a delivery of the firewall leaves alone.
      await sh(
        "standby",
        "nft 'add table inet lab_drill; add chain inet lab_drill out { type filter hook output priority -10; }; add rule inet lab_drill out tcp dport 5432 oifname != lo reject with tcp reset'",
      );
    },
    mend: async ({ attempt }) => void (await attempt("standby", "nft delete table inet lab_drill")),
  },
  {
    name: "refuse-writes",
    breaks: "the primary is set to read-only",
    alert: "PostgresRoleUnexpected",
    severity: "critical",
    labels: primary,
    says: "proj-pg01 of cluster pg01 answers and cannot do its work",
    disturbs: ["primary"],
    break: async ({ sh }) => {
      await sh("primary", psql("ALTER SYSTEM SET default_transaction_read_only = on"));
      await sh("primary", psql("SELECT pg_reload_conf()"));
    },
    mend: async ({ sh }) => {
      await sh("primary", psql("ALTER SYSTEM RESET default_transaction_read_only"));
      await sh("primary", psql("SELECT pg_reload_conf()"));
    },
  },
  {
    name: "exhaust-connections",
    // Of a hundred; the last ones are left to whoever mends.
    breaks: "clients take nearly all of the primary's connections",
    alert: "PostgresConnectionsHigh",
    severity: "critical",
    labels: primary,
    says: "proj-pg01",
    disturbs: ["primary"],
    break: async ({ keepRunning }) => {
      const one = 'psql --no-psqlrc -qAtc "SELECT pg_sleep(600)" postgres >/dev/null 2>&1 &';
      await keepRunning(
        "primary",
        "connections",
        `exec runuser -u postgres -- bash -c 'for n in $(seq 1 96); do ${one} done; wait'`,
      );
    },
    mend: async ({ stopRunning, attempt }) => {
      await stopRunning("primary", "connections");
      await attempt(
        "primary",
        psql(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()",
        ),
      );
    },
  },
  {
    name: "block-on-locks",
    breaks: "a session holds a lock that others wait for",
    alert: "PostgresLockWait",
    severity: "critical",
    labels: primary,
    says: "proj-pg01",
    disturbs: ["primary"],
    withinSeconds: 240,
    break: async ({ keepRunning, sh }) => {
      await sh("primary", psql("CREATE TABLE IF NOT EXISTS public.lab_drill (id int)"));
      const hold =
        'psql --no-psqlrc -qc "BEGIN; LOCK TABLE public.lab_drill; SELECT pg_sleep(600)" & sleep 1;';
      const wait =
        'psql --no-psqlrc -qc "SELECT count(*) FROM public.lab_drill" & psql --no-psqlrc -qc "SELECT count(*) FROM public.lab_drill" & wait';
      await keepRunning("primary", "locks", `exec runuser -u postgres -- bash -c '${hold} ${wait}'`);
    },
    mend: async ({ stopRunning, attempt }) => {
      await stopRunning("primary", "locks");
      await attempt(
        "primary",
        psql(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%lab_drill%' AND pid <> pg_backend_pid()",
        ),
      );
      await attempt("primary", psql("DROP TABLE IF EXISTS public.lab_drill"));
    },
  },
];

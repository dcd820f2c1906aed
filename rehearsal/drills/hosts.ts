import type { Drill } from "./drill.ts";
import { psql } from "./psql.ts";

const shrunkMeminfo = "/run/lab-drill.meminfo";

/** What breaks on hosts, and on the one that watches them. */
export const hostDrills: readonly Drill[] = [
  {
    name: "eat-cpu",
    breaks: "programs keep every processor busy",
    alert: "CpuBusy",
    severity: "critical",
    labels: { instance: "proj-pg02" },
    says: "proj-pg02",
    disturbs: ["load"],
    // A guest may use as many processors as it has, and sees how busy all of the machine's are.
    break: async ({ keepBusy }) => keepBusy(),
    mend: async ({ stopBusy }) => stopBusy(),
  },
  {
    name: "eat-memory",
    breaks: "the kernel says that no memory is left",
    alert: "MemoryUsed",
    severity: "critical",
    labels: { instance: "proj-pg02" },
    says: "proj-pg02",
    disturbs: ["memory"],
    break: async ({ sh }) => {
      // A guest here has the machine's memory, which nobody may eat: what the kernel says of it is laid over instead, and
      // that in node_exporter's own view of files, which its unit keeps apart from the guest's.
      const shrunk = "s/^(MemAvailable|MemFree|Cached|Buffers|SReclaimable):.*/\\1: 1024 kB/";
      await sh(
        "standby",
        `sed -E '${shrunk}' /proc/meminfo > ${shrunkMeminfo} && nsenter --mount --target "$(systemctl show --property=MainPID --value node_exporter)" mount --bind ${shrunkMeminfo} /proc/meminfo`,
      );
    },
    mend: async ({ sh }) =>
      void (await sh(
        "standby",
        `if [ -e ${shrunkMeminfo} ]; then systemctl restart node_exporter && rm ${shrunkMeminfo}; fi`,
      )),
  },
  {
    name: "hammer-passwords",
    breaks: "somebody tries passwords",
    alert: "FailedLogins",
    severity: "warning",
    labels: { instance: "proj-pg01" },
    says: "proj-pg01",
    disturbs: ["log"],
    withinSeconds: 240,
    endsWithinSeconds: 300,
    break: async ({ keepRunning }) => {
      // Guests have no names for each other: the standby's own settings tell where its primary is.
      const primary = psql(
        "SELECT substring(setting FROM 'hostaddr=([^ ]+)') FROM pg_settings WHERE name = 'primary_conninfo'",
      );
      const login =
        'PGPASSWORD=wrong psql "hostaddr=$primary user=replication_pg01 dbname=postgres sslmode=require" -c "" >/dev/null 2>&1';
      await keepRunning(
        "standby",
        "passwords",
        `primary=$(${primary}); while :; do ${login}; sleep 0.5; done`,
      );
    },
    mend: async ({ stopRunning }) => stopRunning("standby", "passwords"),
  },
  {
    name: "break-rules",
    breaks: "Prometheus is given a rule file that it cannot read",
    alert: "PrometheusConfigNotLoaded",
    severity: "critical",
    labels: { instance: "proj-mon01" },
    says: "proj-mon01",
    disturbs: ["monitoring"],
    break: async ({ sh }) => {
      await sh(
        "monitoring",
        "echo 'groups: [{name: drill, rules: [{alert: Drill, expr: up ==}]}]' > /etc/prometheus/rules/lab-drill.yml",
      );
      await sh("monitoring", "systemctl reload prometheus || true");
    },
    mend: async ({ sh }) => {
      await sh("monitoring", "rm -f /etc/prometheus/rules/lab-drill.yml");
      await sh("monitoring", "systemctl reload prometheus");
    },
  },
];

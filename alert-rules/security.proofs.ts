import { selector } from "./rule.ts";
import type { Proof, Proofs } from "./testing/proof.ts";

const node = { job: "node", instance: "proj-pg01", cluster: "pg01" };
const logins = selector("dbkeeper_log_events_total", { ...node, kind: "failed_login" });

function changed(alert: string, what: string, severity: Proof["severity"], says: string): Proof {
  const labels = { ...node, what };
  const changes = selector("dbkeeper_observed_changes_total", labels);
  return {
    alert,
    severity,
    warmUpMinutes: 70,
    good: { [changes]: 0 },
    bad: { [changes]: 1 },
    clearMinutes: 57,
    labels,
    says,
    shows: "1 changes",
  };
}

function wrong(alert: string, metric: string, says: string): Proof {
  const series = selector(metric, node);
  return {
    alert,
    severity: "warning",
    good: { [series]: 0 },
    bad: { [series]: 1 },
    labels: node,
    says,
    shows: "1",
  };
}

export const securityProofs: Proofs = [
  {
    alert: "FailedLogins",
    severity: "warning",
    good: { [logins]: { perMinute: 9.9 } },
    bad: { [logins]: { perMinute: 10.5 } },
    delayMinutes: 1,
    clearMinutes: 4,
    labels: { ...node, kind: "failed_login" },
    says: "proj-pg01 refuses 10.2 logins a minute: somebody guesses passwords, or a program has an old one.",
    shows: "10.2/min",
  },
  changed(
    "SuperusersChanged",
    "superusers",
    "critical",
    "On proj-pg01 a superuser was made, taken away or allowed to log in within the last hour. The delivered roles have none but the administrator: who was that?",
  ),
  changed(
    "ClientAuthenticationChanged",
    "hba",
    "warning",
    "pg_hba.conf on proj-pg01 has changed within the last hour. A delivery does that too: compare with what was merged.",
  ),
  changed(
    "ServerSettingsChanged",
    "settings",
    "warning",
    "Settings of the server on proj-pg01 have changed within the last hour. A delivery does that too: compare with what was merged.",
  ),
  wrong(
    "ClientAuthenticationBroken",
    "dbkeeper_observed_hba_errors",
    "1 lines of pg_hba.conf on proj-pg01 cannot be read: the server keeps the old rules, and will not start with these.",
  ),
  wrong(
    "ServerSettingsBroken",
    "dbkeeper_observed_settings_errors",
    "1 lines of the settings on proj-pg01 cannot be read or applied: the server keeps the old ones, and may not start with these.",
  ),
  wrong(
    "ForeignSettings",
    "dbkeeper_observed_foreign_settings",
    "1 settings on proj-pg01 come from other files than the delivered ones, ALTER SYSTEM most likely: they win, and a rebuilt server will not have them.",
  ),
  wrong(
    "SettingsWaitForRestart",
    "dbkeeper_observed_pending_restart_settings",
    "1 settings on proj-pg01 have changed and are not in force: they come with the next restart, perhaps at the worst of times.",
  ),
];

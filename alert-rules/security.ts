import type { Lab } from "./lab.ts";
import { observedWindow } from "./observed.ts";
import { type Alert, alert, type RuleGroup } from "./rule.ts";
import type { FigureName } from "./thresholds.ts";

/** Who tries to get into the databases, who may, and whether the rules for it are those that were delivered. */
export function security(lab: Lab): RuleGroup {
  return {
    name: "security",
    rules: [
      failedLogins(lab),
      ...changes.map((change) => changed(lab, change)),
      ...states.map((state) => wrong(lab, state)),
    ],
  };
}

const failedLogins = (lab: Lab) => {
  const limit = lab.limit("failedLogins");
  return alert({
    name: "FailedLogins",
    expression: `rate(dbkeeper_log_events_total{job="node",kind="failed_login"}[${observedWindow(lab, 300)}]) * 60 > ${limit.value}`,
    limit,
    severity: "warning",
    area: "security",
    summary: "Many logins to a database fail.",
    description:
      "{{ $labels.instance }} refuses {{ $value | humanize }} logins a minute: somebody guesses passwords, or a program has an old one.",
    value: "{{ $value | humanize }}/min",
  });
};

interface Change extends Pick<Alert, "name" | "severity" | "summary" | "description"> {
  /** Of `dbkeeper_observed_changes_total`. */
  readonly what: string;
}

const changes: readonly Change[] = [
  {
    name: "SuperusersChanged",
    what: "superusers",
    severity: "critical",
    summary: "Who is a superuser of a database has changed.",
    description:
      "On {{ $labels.instance }} a superuser was made, taken away or allowed to log in within the last hour. The delivered roles have none but the administrator: who was that?",
  },
  {
    name: "ClientAuthenticationChanged",
    what: "hba",
    severity: "warning",
    summary: "The rules of who may connect have changed.",
    description:
      "pg_hba.conf on {{ $labels.instance }} has changed within the last hour. A delivery does that too: compare with what was merged.",
  },
  {
    name: "ServerSettingsChanged",
    what: "settings",
    severity: "warning",
    summary: "Settings of a database server have changed.",
    description:
      "Settings of the server on {{ $labels.instance }} have changed within the last hour. A delivery does that too: compare with what was merged.",
  },
];

function changed(lab: Lab, { what, ...texts }: Change): Alert {
  const limit = lab.limit("watchedChanges");
  return alert({
    ...texts,
    expression: `increase(dbkeeper_observed_changes_total{job="node",what="${what}"}[${observedWindow(lab, 3600)}]) > ${limit.value}`,
    limit,
    area: "security",
    value: "{{ $value | humanize }} changes",
  });
}

interface State extends Pick<Alert, "name" | "summary" | "description"> {
  readonly metric: string;
  readonly figure: FigureName;
}

const states: readonly State[] = [
  {
    name: "ClientAuthenticationBroken",
    metric: "dbkeeper_observed_hba_errors",
    figure: "brokenFiles",
    summary: "PostgreSQL cannot read its rules of who may connect.",
    description:
      "{{ $value }} lines of pg_hba.conf on {{ $labels.instance }} cannot be read: the server keeps the old rules, and will not start with these.",
  },
  {
    name: "ServerSettingsBroken",
    metric: "dbkeeper_observed_settings_errors",
    figure: "brokenFiles",
    summary: "PostgreSQL cannot read its settings.",
    description:
      "{{ $value }} lines of the settings on {{ $labels.instance }} cannot be read or applied: the server keeps the old ones, and may not start with these.",
  },
  {
    name: "ForeignSettings",
    metric: "dbkeeper_observed_foreign_settings",
    figure: "foreignSettings",
    summary: "A server has settings that nobody delivered.",
    description:
      "{{ $value }} settings on {{ $labels.instance }} come from other files than the delivered ones, ALTER SYSTEM most likely: they win, and a rebuilt server will not have them.",
  },
  {
    name: "SettingsWaitForRestart",
    metric: "dbkeeper_observed_pending_restart_settings",
    figure: "pendingRestart",
    summary: "Changed settings wait for a restart.",
    description:
      "{{ $value }} settings on {{ $labels.instance }} have changed and are not in force: they come with the next restart, perhaps at the worst of times.",
  },
];

function wrong(lab: Lab, { metric, figure, ...texts }: State): Alert {
  const limit = lab.limit(figure);
  return alert({
    ...texts,
    expression: `${metric}{job="node"} > ${limit.value}`,
    limit,
    severity: "warning",
    area: "security",
    value: "{{ $value }}",
  });
}

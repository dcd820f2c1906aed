/** How loud an alert is: `critical` pages somebody, `warning` becomes a ticket. */
export type Severity = "critical" | "warning";

/** What an alert is about (M1 of the requirements). */
export type Area = "availability" | "backup" | "replication" | "security";

export interface Alert {
  /** CamelCase, unique in the whole set: it is the key of its tests and its runbook. */
  readonly name: string;
  /** PromQL. */
  readonly expression: string;
  /** How long the expression must hold, in seconds. */
  readonly forSeconds: number;
  readonly severity: Severity;
  readonly area: Area;
  /** One sentence that reads well in a list. */
  readonly summary: string;
  /** What is wrong, with `{{ $labels.x }}` and `{{ $value }}`. */
  readonly description: string;
  /** Labels besides those of the expression. */
  readonly labels?: Readonly<Record<string, string>>;
}

export interface RuleGroup {
  readonly name: string;
  readonly alerts: readonly Alert[];
}

/** What the rules have to know about a site: who is expected to be there. Names, never addresses. */
export interface Inventory {
  /** Hosts that run node_exporter. */
  readonly hosts: readonly string[];
  /** The one of them that carries Proxmox Backup Server, where it is watched. */
  readonly backupHost?: string;
  readonly clusters: readonly {
    readonly name: string;
    readonly primary: string;
    readonly standbys: readonly string[];
    readonly databases: readonly string[];
    /** Age of the last validated dump at which an alert is due, in hours. */
    readonly maximumDumpAgeHours: number;
  }[];
  readonly scrapeIntervalSeconds: number;
  /** From so many days before its end on, a certificate is due to be renewed. */
  readonly certificateRenewBeforeDays: number;
}

/** A PromQL selector such as `up{job="node",instance="proj-pg01"}`. */
export function selector(metric: string, labels: Readonly<Record<string, string>>): string {
  const matchers = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `${metric}{${matchers.join(",")}}`;
}

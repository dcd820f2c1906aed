import { is, isNot, type Matcher, matcherText } from "./matchers.ts";

/** While a source fires, targets that have the same values of `equal` are not sent. */
export interface Inhibition {
  readonly why: string;
  readonly source: readonly Matcher[];
  readonly target: readonly Matcher[];
  readonly equal: readonly string[];
}

/**
 * What tells one alert from another of the same name on one host. A label that both lack counts as equal; one that
 * only one of them has does not, so a label too many lets an alert through, and one too few hides another's.
 */
export const identity = [
  "instance",
  "cluster",
  "guest",
  "job",
  "job_id",
  "database",
  "datname",
  "usename",
  "schemaname",
  "relname",
  "datastore",
  "namespace",
  "node",
  "storage",
  "name",
  "device",
  "device_error",
  "fstype",
  "mountpoint",
  "service",
  "authority",
  "slot_name",
  "standby",
  "application_name",
  "stage",
  "holder",
  "sequence",
  "collector",
  "part",
  "kind",
  "what",
  "type",
  "worker_type",
  "tier",
  "objective",
  "window",
  "signal",
  "component",
  "repository",
  "verdict",
  "rule_group",
  "integration",
] as const;

/** Database engines by how the names of their alerts begin, and whether an exporter stands between. */
const engines = [
  { engine: "Postgres", hasExporter: true },
  { engine: "MySql", hasExporter: true },
  { engine: "MongoDb", hasExporter: true },
  { engine: "RustyDb", hasExporter: false },
] as const;

/** A value for which the name of an alert stands that says that something is not there to be looked at. */
const absence = ".+(Absent|Missing|Unknown|Unwatched)";

/** The rules of every site. */
export const inhibitions: readonly Inhibition[] = [
  {
    why: "A host that is down takes everything with it that runs on it.",
    source: [is("alertname", "HostDown")],
    target: [isNot("alertname", "HostDown"), isNot("severity", "none")],
    equal: ["instance"],
  },
  {
    why: "What is critical has been a warning before.",
    source: [is("severity", "critical")],
    target: [is("severity", "warning")],
    equal: ["alertname", ...identity],
  },
  ...["ClusterWithoutPrimary", "TwoPrimaries"].map((name) => ({
    why: "What a whole cluster lacks or has too much says more than that one of its servers has another role.",
    source: [is("alertname", name)],
    target: [is("alertname", "PostgresRoleUnexpected")],
    equal: ["cluster"],
  })),
  ...engines.flatMap(({ engine, hasExporter }): Inhibition[] => [
    {
      why: `Without a server there is nothing to be slow, busy or behind; what may have ended it is still told.`,
      source: [is("alertname", `${engine}Down`)],
      target: [
        { label: "alertname", operator: "=~", value: `${engine}.+` },
        { label: "alertname", operator: "!~", value: `${engine}(Exporter)?Down` },
        { label: "area", operator: "=~", value: "availability|monitoring|performance|replication|resources" },
      ],
      equal: ["instance"],
    },
    ...(hasExporter
      ? [
          {
            why: "Of what its exporter does not tell nothing is known.",
            source: [is("alertname", `${engine}ExporterDown`)],
            target: [
              { label: "alertname", operator: "=~", value: `${engine}${absence}` },
              // What the host itself observes does not come by the exporter.
              { label: "alertname", operator: "!~", value: `${engine}Observation.+` },
            ] as const,
            equal: ["instance"],
          },
        ]
      : []),
  ]),
];

/** As Alertmanager's configuration has them. */
export function inhibitRules(): object[] {
  return inhibitions.map(({ source, target, equal }) => ({
    source_matchers: source.map(matcherText),
    target_matchers: target.map(matcherText),
    equal: [...equal],
  }));
}

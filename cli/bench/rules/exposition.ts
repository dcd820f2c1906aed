import { deliveredCatalogue, type Family, type Source } from "../../../alert-rules/metrics/catalogue.ts";
import { idleLab } from "../../../alert-rules/testing/idle.ts";
import { proofsByGroup } from "../../../alert-rules/testing/proofs.ts";
import type { Values } from "../../../alert-rules/testing/series.ts";
import { type Labels, labelSets } from "./labels.ts";
import { roleOf, type SyntheticLab, type Target } from "./target.ts";

/** A series of a target, without the labels that Prometheus adds. */
export interface Exposed {
  readonly metric: string;
  readonly labels: Labels;
  readonly values: Exclude<Values, "absent">;
}

/**
 * All series of a target: every metric of the catalogue that its exporter and our own programs expose there, whether
 * a rule reads it or not. What rules read has the values of a healthy lab, all other gauges swing and counters grow.
 *
 * @param startedAt when the measurement began, in seconds since the epoch
 */
export function expositionOf(target: Target, lab: SyntheticLab, startedAt: number): Exposed[] {
  const families = deliveredCatalogue()
    .sources.filter((source) => exposes(target, source, lab))
    .flatMap(({ source, metrics }) =>
      Object.entries(metrics).map(([name, family]) => ({ source, name, family })),
    )
    .filter(({ name, family }) => hasMetric(name, family, target, lab));
  // Some metrics, such as those of Go's runtime, are in the catalogue of several versions.
  const once = new Map(families.map((each) => [each.name, each])).values();
  return [...once].flatMap(({ source, name, family }) => {
    const ours = source === "dbkeeper" && target.cluster ? { cluster: target.cluster.name } : {};
    return seriesOf(name, family, target, lab).flatMap(({ metric, labels }) => {
      const values = healthy(metric, labels, { family, target, startedAt });
      return values === "absent" ? [] : [{ metric, labels: { ...labels, ...ours }, values }];
    });
  });
}

function exposes(
  { job, cluster, instance }: Target,
  { source }: Source,
  { inventory }: SyntheticLab,
): boolean {
  if (job !== "node") return source === exporters[job];
  if (source === "dbkeeper") return cluster !== undefined;
  if (source === "proxwatch") return instance === inventory.monitoringHost;
  return source === "node_exporter" || source === "hosts";
}

const exporters: Readonly<Record<string, string>> = {
  postgres: "postgres_exporter",
  mysql: "mysqld_exporter",
  mongodb: "mongodb_exporter",
  rustydb: "rustydb",
  alertmanager: "alertmanager",
};

/** Of hardware only the backup server tells, of PostgreSQL some only on servers of one role; nothing is locked or failed. */
function hasMetric(name: string, { roles }: Family, target: Target, { inventory }: SyntheticLab): boolean {
  const role = roleOf(target);
  if (roles && (role === undefined || !roles.includes(role))) return false;
  if (/^lab_backup_host_|^node_(edac|md|hwmon|bonding|zfs|power|thermal)/.test(name))
    return target.instance === inventory.backupHost;
  if (/_slot|_standby/.test(name) && name.startsWith("dbkeeper")) return role === "primary";
  if (/_receiver_|_replay_/.test(name) && name.startsWith("dbkeeper")) return role === "standby";
  if (atPrimary.test(name)) return role === "primary";
  return !/_lock_first_seen_|_running_start_|_changed_timestamp_/.test(name);
}

/** What only the member that is the primary does. */
const atPrimary =
  /^dbkeeper_(last_|runs|run_|dump|valid|offsite|kept|backup_|archive_|maintain|wal_|database_size|observed_(unvacuumed|unanalyzed|dead_row))/;

const quantiles = ["0", "0.25", "0.5", "0.75", "1"];
const bounds: Readonly<Record<string, readonly string[]>> = {
  seconds: ["0.005", "0.01", "0.05", "0.1", "0.5", "1", "5", "10", "60", "+Inf"],
  milliseconds: ["1", "10", "100", "500", "1000", "5000", "+Inf"],
};

function seriesOf(
  name: string,
  { type, labels: names }: Family,
  target: Target,
  lab: SyntheticLab,
): { readonly metric: string; readonly labels: Labels }[] {
  return labelSets(name, names, target, lab).flatMap((labels) => {
    if (type !== "histogram" && type !== "summary") return [{ metric: name, labels }];
    const parts =
      type === "summary"
        ? quantiles.map((quantile) => ({ metric: name, labels: { ...labels, quantile } }))
        : (bounds[name.endsWith("_ms") ? "milliseconds" : "seconds"] ?? []).map((le) => ({
            metric: `${name}_bucket`,
            labels: { ...labels, le },
          }));
    return [...parts, { metric: `${name}_sum`, labels }, { metric: `${name}_count`, labels }];
  });
}

/** What all proofs of alerts call good, by metric. */
const idle = Map.groupBy(Object.entries(idleLab(Object.values(proofsByGroup).flat())), ([text]) =>
  text.replace(/\{.*/, ""),
);

interface Circumstances {
  readonly family: Family;
  readonly target: Target;
  readonly startedAt: number;
}

function healthy(metric: string, labels: Labels, circumstances: Circumstances): Values {
  const busy = atWork.find(([name]) => name.test(metric));
  if (busy) return busy[1](labels, circumstances);
  const { type } = circumstances.family;
  const alike = (text: string) =>
    Object.entries(labels).filter(([name, value]) => text.includes(`${name}="${value}"`)).length;
  const [closest] = (idle.get(metric) ?? []).toSorted(([a], [b]) => alike(b) - alike(a));
  if (!closest)
    return type === "gauge" || type === "untyped" ? { cycle: [40, 41, 43, 42] } : { perMinute: 90 };
  const [, values] = closest;
  // In proofs time begins at nought.
  return typeof values === "number" && metric.endsWith("_timestamp_seconds")
    ? circumstances.startedAt - 3600
    : values;
}

/** Where a lab at work, and one whose clock does not begin at nought, differs from one in which nothing happens. */
const atWork: readonly (readonly [RegExp, (labels: Labels, circumstances: Circumstances) => Values])[] = [
  [/^(node_boot_time|pg_postmaster_start_time)_seconds$/, (_, { startedAt }) => startedAt - 30 * 86_400],
  [
    /^(pg_replication_is_replica|dbkeeper_observed_in_recovery)$/,
    (_, { target }) => (roleOf(target) === "standby" ? 1 : 0),
  ],
  // Some failed long ago.
  [/^dbkeeper_runs_total$/, ({ outcome }) => (outcome === "failed" ? 2 : { perMinute: 0 })],
  [/^node_systemd_unit_state$/, ({ state }) => (state === "active" ? 1 : 0)],
  [/^node_scrape_collector_success$/, ({ collector = "" }) => (Number(collector.slice(10)) < 38 ? 1 : 0)],
  [
    /^dbkeeper_observed_statement_duration_seconds_bucket$/,
    ({ le }) => ({ perMinute: Number(le) < 0.1 ? 540 : 600 }),
  ],
  [/^dbkeeper_observed_statement_duration_seconds_(count|sum)$/, () => ({ perMinute: 600 })],
  [/^pg_stat_database_(xact_commit|blks_hit)$/, () => ({ perMinute: 6000 })],
  [/^pg_stat_database_blks_read$/, () => ({ perMinute: 60 })],
  [/^node_network_(receive|transmit)_(bytes|packets)_total$/, () => ({ perMinute: 600 })],
];

import type { Proof, Proofs } from "./testing/proof.ts";

const prometheus = 'job="prometheus",instance="proj-mon01"';
const alertmanager = 'job="alertmanager",instance="proj-mon01"';
const placed = { job: "prometheus", instance: "proj-mon01" };
const group = "/etc/prometheus/rules/backup.yml;backup";

const sum = (metric: string) => `${metric}{${alertmanager},integration="webhook"}`;
const failed = `alertmanager_notifications_failed_total{${alertmanager},integration="webhook",reason="other"}`;
const sent = sum("alertmanager_notifications_total");
const queue = `prometheus_notifications_queue_length{${prometheus},alertmanager="a"}`;
const capacity = `prometheus_notifications_queue_capacity{${prometheus}}`;
const duration = `prometheus_rule_group_last_duration_seconds{${prometheus},rule_group="${group}"}`;
const interval = `prometheus_rule_group_interval_seconds{${prometheus},rule_group="${group}"}`;
const series = `prometheus_tsdb_head_series{${prometheus}}`;

/** A counter that begins to grow: fires with the second sample, and ends when the window has passed. */
const grows = (counter: string, windowMinutes: number) => ({
  severity: "critical" as const,
  good: { [counter]: { perMinute: 0 } },
  bad: { [counter]: { perMinute: 1 } },
  delayMinutes: 1,
  clearMinutes: windowMinutes - 1,
});

const notLoaded = (job: string, product: string): Proof => ({
  alert: `${product}ConfigNotLoaded`,
  severity: "critical",
  good: { [`${job}_config_last_reload_successful{job="${job}",instance="proj-mon01"}`]: 1 },
  bad: { [`${job}_config_last_reload_successful{job="${job}",instance="proj-mon01"}`]: 0 },
  labels: { job, instance: "proj-mon01" },
  says: `${product} on proj-mon01 works with its old configuration, and will not start with the new one.`,
});

const storage = {
  compaction: "compactions_failed",
  reload: "reloads_failures",
  corruption: "wal_corruptions",
  write: "wal_writes_failed",
  truncation: "head_truncations_failed",
  checkpoint: "checkpoint_creations_failed",
};
const rejected = {
  "out of order": "sample_out_of_order",
  "out of bounds": "sample_out_of_bounds",
  duplicate: "sample_duplicate_timestamp",
  "too many": "exceeded_sample_limit",
};

export const stackProofs: Proofs = [
  {
    alert: "MonitoringDown",
    severity: "critical",
    good: { [`up{${alertmanager}}`]: 1 },
    bad: { [`up{${alertmanager}}`]: 0 },
    labels: { job: "alertmanager", instance: "proj-mon01" },
    says: "alertmanager on proj-mon01 does not answer: alerts may not be computed or not be sent.",
  },
  {
    alert: "RuleEvaluationFailures",
    ...grows(`prometheus_rule_evaluation_failures_total{${prometheus},rule_group="${group}"}`, 5),
    labels: { ...placed, rule_group: group },
    says: `Rules of ${group} fail on proj-mon01: alerts among them cannot fire.`,
  },
  {
    alert: "RuleGroupSlow",
    severity: "warning",
    good: { [duration]: 3.9, [interval]: 5 },
    bad: { [duration]: 4.1 },
    labels: { ...placed, rule_group: group },
    says: `${group} on proj-mon01 takes 82% of its interval; above 100 % it is evaluated less often.`,
    shows: "82%",
  },
  notLoaded("prometheus", "Prometheus"),
  notLoaded("alertmanager", "Alertmanager"),
  {
    alert: "AlertmanagerNotDiscovered",
    severity: "critical",
    good: { [`prometheus_notifications_alertmanagers_discovered{${prometheus}}`]: 1 },
    bad: { [`prometheus_notifications_alertmanagers_discovered{${prometheus}}`]: 0 },
    labels: placed,
    says: "Prometheus on proj-mon01 knows no Alertmanager: no alert reaches anybody.",
  },
  ...["errors", "dropped"].map((what) => ({
    alert: "AlertsNotDelivered",
    ...grows(`prometheus_notifications_${what}_total{${prometheus},alertmanager="a"}`, 5),
    labels: { ...placed, alertmanager: "a" },
    says: "Prometheus on proj-mon01 fails to send alerts to a, or has thrown some away.",
  })),
  {
    alert: "NotificationQueueFills",
    severity: "warning",
    good: { [queue]: 3.9, [capacity]: 8 },
    bad: { [queue]: 4.2 },
    labels: { instance: "proj-mon01" },
    says: "The queue of alerts on proj-mon01 is 52.5% full: Alertmanager takes them too slowly or not at all.",
    shows: "52.5%",
  },
  {
    alert: "NotificationsFailing",
    ...grows(failed, 15),
    severity: "warning",
    always: { [sent]: { perMinute: 1 } },
    labels: { instance: "proj-mon01", integration: "webhook" },
    says: "Alertmanager on proj-mon01 cannot deliver messages by webhook.",
  },
  {
    alert: "NotificationsFailing",
    severity: "critical",
    good: { [failed]: { perMinute: 0 }, [sent]: { perMinute: 0 } },
    bad: { [failed]: { perMinute: 1 }, [sent]: { perMinute: 1.5 } },
    delayMinutes: 1,
    clearMinutes: 14,
    labels: { instance: "proj-mon01", integration: "webhook" },
    also: ["NotificationsFailing warning"],
    says: "Alertmanager on proj-mon01 cannot deliver messages by webhook.",
  },
  ...Object.entries(storage).map(([kind, name]) => ({
    alert: "PrometheusStorageFailing",
    ...grows(`prometheus_tsdb_${name}_total{${prometheus}}`, 60),
    severity: "warning" as const,
    labels: { ...placed, kind },
    says: `The database of Prometheus on proj-mon01 had a failure (${kind}): is its disk full or broken?`,
  })),
  {
    alert: "ScrapeSlow",
    severity: "warning",
    good: { [`scrape_duration_seconds{${prometheus}}`]: 7.9 },
    bad: { [`scrape_duration_seconds{${prometheus}}`]: 8.1 },
    labels: placed,
    says: "Scraping prometheus on proj-mon01 takes 8.1s; after 10 s Prometheus gives up and counts it as down.",
    shows: "8.1s",
  },
  ...Object.entries(rejected).map(([kind, name]) => ({
    alert: "SamplesRejected",
    ...grows(`prometheus_target_scrapes_${name}_total{${prometheus}}`, 15),
    severity: "warning" as const,
    labels: { ...placed, kind },
    says: `Prometheus on proj-mon01 refuses samples (${kind}): is a target scraped twice under one name, or a clock wrong?`,
  })),
  {
    alert: "SeriesGrowth",
    severity: "warning",
    good: { [series]: 30_000 },
    bad: { [series]: 60_600 },
    labels: placed,
    says: "Prometheus on proj-mon01 has 2.02 times as many series as a day ago: which label has so many values?",
    shows: "2.02 times",
    elsewhere: { [series]: { cycle: [19_000, ...Array<number>(60).fill(60_000)] } },
  },
];

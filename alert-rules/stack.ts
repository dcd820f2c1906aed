import type { Lab } from "./lab.ts";
import { siteLimit } from "./limit.ts";
import { type Alert, alert, type RuleGroup } from "./rule.ts";

/** Prometheus and Alertmanager watch themselves and each other. */
export function stack(lab: Lab): RuleGroup {
  return {
    name: "stack",
    rules: [
      down(lab),
      ruleFailures(lab),
      ruleGroupSlow(lab),
      configNotLoaded(lab, "prometheus", "Prometheus"),
      configNotLoaded(lab, "alertmanager", "Alertmanager"),
      notDiscovered(lab),
      notDelivered(lab),
      queueFills(lab),
      notificationsFail(lab),
      allNotificationsFail(lab),
      ...storageFailures.map(([kind, metric]) => storageFails(lab, kind, metric)),
      scrapeSlow(lab),
      ...rejections.map(([kind, metric]) => samplesRejected(lab, kind, metric)),
      seriesGrow(lab),
    ],
  };
}

const down = (lab: Lab) =>
  alert({
    name: "MonitoringDown",
    expression: 'up{job=~"prometheus|alertmanager"} == 0',
    forSeconds: lab.hold(120),
    severity: "critical",
    area: "monitoring",
    summary: "A part of the monitoring does not answer.",
    description:
      "{{ $labels.job }} on {{ $labels.instance }} does not answer: alerts may not be computed or not be sent.",
  });

const ruleFailures = (lab: Lab) =>
  alert({
    name: "RuleEvaluationFailures",
    expression: `increase(prometheus_rule_evaluation_failures_total{job="prometheus"}[${lab.window(300)}]) > 0`,
    forSeconds: 0,
    severity: "critical",
    area: "monitoring",
    summary: "Prometheus cannot evaluate some rules.",
    description:
      "Rules of {{ $labels.rule_group }} fail on {{ $labels.instance }}: alerts among them cannot fire.",
  });

const ruleGroupSlow = (lab: Lab) =>
  alert({
    name: "RuleGroupSlow",
    expression: `prometheus_rule_group_last_duration_seconds{job="prometheus"} / (prometheus_rule_group_interval_seconds{job="prometheus"} > 0) > ${lab.limit("ruleGroupDuration").value}`,
    limit: lab.limit("ruleGroupDuration"),
    severity: "warning",
    area: "monitoring",
    summary: "A group of rules takes almost as long as it may.",
    description:
      "{{ $labels.rule_group }} on {{ $labels.instance }} takes {{ $value | humanizePercentage }} of its interval; above 100 % it is evaluated less often.",
    value: "{{ $value | humanizePercentage }}",
  });

function configNotLoaded(lab: Lab, job: "prometheus" | "alertmanager", product: string): Alert {
  return alert({
    name: `${product}ConfigNotLoaded`,
    expression: `${job}_config_last_reload_successful{job="${job}"} == 0`,
    forSeconds: lab.hold(300),
    severity: "critical",
    area: "monitoring",
    summary: `${product} could not load its configuration.`,
    description: `${product} on {{ $labels.instance }} works with its old configuration, and will not start with the new one.`,
  });
}

const notDiscovered = (lab: Lab) =>
  alert({
    name: "AlertmanagerNotDiscovered",
    expression: 'prometheus_notifications_alertmanagers_discovered{job="prometheus"} == 0',
    forSeconds: lab.hold(300),
    severity: "critical",
    area: "monitoring",
    summary: "Prometheus has no Alertmanager.",
    description: "Prometheus on {{ $labels.instance }} knows no Alertmanager: no alert reaches anybody.",
  });

function notDelivered(lab: Lab): Alert {
  const grows = (metric: string) => `increase(${metric}{job="prometheus"}[${lab.window(300)}]) > 0`;
  return alert({
    name: "AlertsNotDelivered",
    expression: `${grows("prometheus_notifications_errors_total")} or ${grows("prometheus_notifications_dropped_total")}`,
    forSeconds: 0,
    severity: "critical",
    area: "monitoring",
    summary: "Prometheus cannot send alerts to Alertmanager.",
    description:
      "Prometheus on {{ $labels.instance }} fails to send alerts to {{ $labels.alertmanager }}, or has thrown some away.",
  });
}

const queueFills = (lab: Lab) =>
  alert({
    name: "NotificationQueueFills",
    expression: `max by (instance) (prometheus_notifications_queue_length{job="prometheus"}) / on (instance) (max by (instance) (prometheus_notifications_queue_capacity{job="prometheus"}) > 0) > ${lab.limit("notificationQueue").value}`,
    limit: lab.limit("notificationQueue"),
    severity: "warning",
    area: "monitoring",
    summary: "Alerts queue up in Prometheus.",
    description:
      "The queue of alerts on {{ $labels.instance }} is {{ $value | humanizePercentage }} full: Alertmanager takes them too slowly or not at all.",
    value: "{{ $value | humanizePercentage }}",
  });

/** Messages of a quarter of an hour, by what sends them. */
const messages = (lab: Lab, metric: string) =>
  `sum by (instance, integration) (increase(${metric}{job="alertmanager"}[${lab.window(900)}]))`;

const notificationsFail = (lab: Lab) =>
  alert({
    name: "NotificationsFailing",
    expression: `${messages(lab, "alertmanager_notifications_failed_total")} > 0`,
    forSeconds: 0,
    severity: "warning",
    area: "monitoring",
    summary: "Messages cannot be delivered.",
    description:
      "Alertmanager on {{ $labels.instance }} cannot deliver messages by {{ $labels.integration }}.",
  });

const allNotificationsFail = (lab: Lab) =>
  alert({
    name: "NotificationsFailing",
    expression: `${messages(lab, "alertmanager_notifications_failed_total")} / on (instance, integration) (${messages(lab, "alertmanager_notifications_total")} > 0) > ${lab.limit("failedNotifications").value}`,
    forSeconds: 0,
    severity: "critical",
    area: "monitoring",
    summary: "Messages cannot be delivered.",
    description:
      "Alertmanager on {{ $labels.instance }} cannot deliver messages by {{ $labels.integration }}.",
  });

const storageFailures = [
  ["compaction", "prometheus_tsdb_compactions_failed_total"],
  ["reload", "prometheus_tsdb_reloads_failures_total"],
  ["corruption", "prometheus_tsdb_wal_corruptions_total"],
  ["write", "prometheus_tsdb_wal_writes_failed_total"],
  ["truncation", "prometheus_tsdb_head_truncations_failed_total"],
  ["checkpoint", "prometheus_tsdb_checkpoint_creations_failed_total"],
] as const;

function storageFails(lab: Lab, kind: string, metric: string): Alert {
  return alert({
    name: "PrometheusStorageFailing",
    expression: `increase(${metric}{job="prometheus"}[${lab.window(3600)}]) > 0`,
    forSeconds: 0,
    severity: "warning",
    area: "monitoring",
    summary: "Prometheus cannot keep its data as it should.",
    description: `The database of Prometheus on {{ $labels.instance }} had a failure (${kind}): is its disk full or broken?`,
    labels: { kind },
  });
}

function scrapeSlow(lab: Lab): Alert {
  const timeoutSeconds = Math.min(10, lab.scrapeIntervalSeconds);
  const limit = siteLimit(lab.limit("scrapeDuration"), 0.8 * timeoutSeconds);
  return alert({
    name: "ScrapeSlow",
    expression: `scrape_duration_seconds > ${limit.value}`,
    limit,
    severity: "warning",
    area: "monitoring",
    summary: "An exporter answers almost too late.",
    description: `Scraping {{ $labels.job }} on {{ $labels.instance }} takes {{ $value | humanizeDuration }}; after ${timeoutSeconds} s Prometheus gives up and counts it as down.`,
    value: "{{ $value | humanizeDuration }}",
  });
}

const rejections = [
  ["out of order", "prometheus_target_scrapes_sample_out_of_order_total"],
  ["out of bounds", "prometheus_target_scrapes_sample_out_of_bounds_total"],
  ["duplicate", "prometheus_target_scrapes_sample_duplicate_timestamp_total"],
  ["too many", "prometheus_target_scrapes_exceeded_sample_limit_total"],
] as const;

function samplesRejected(lab: Lab, kind: string, metric: string): Alert {
  return alert({
    name: "SamplesRejected",
    expression: `increase(${metric}{job="prometheus"}[${lab.window(900)}]) > 0`,
    forSeconds: 0,
    severity: "warning",
    area: "monitoring",
    summary: "Prometheus throws samples away.",
    description: `Prometheus on {{ $labels.instance }} refuses samples (${kind}): is a target scraped twice under one name, or a clock wrong?`,
    labels: { kind },
  });
}

const seriesGrow = (lab: Lab) =>
  alert({
    name: "SeriesGrowth",
    // A day is one of people's work, at any pace.
    expression: `prometheus_tsdb_head_series{job="prometheus"} / (min_over_time(prometheus_tsdb_head_series{job="prometheus"}[1d]) > ${lab.limit("seriesFloor").value}) > ${lab.limit("seriesGrowth").value}`,
    limit: lab.limit("seriesGrowth"),
    severity: "warning",
    area: "monitoring",
    summary: "The number of series grows fast.",
    description:
      "Prometheus on {{ $labels.instance }} has {{ $value | humanize }} times as many series as a day ago: which label has so many values?",
    value: "{{ $value | humanize }} times",
  });

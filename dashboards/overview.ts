import {
  type Dashboard,
  DashboardBuilder,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  VariableRefresh,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { healthOf, ready } from "../alert-rules/health.ts";
import { type Limit, siteLimit } from "../alert-rules/limit.ts";
import type { FigureName } from "../alert-rules/thresholds.ts";
import { datasource, series, stat, states } from "./panels.ts";

/** What a dashboard has to know of a site. */
export interface Figures {
  /** A figure with the site's value. */
  limit(name: FigureName): Limit;
  /** Age of the last validated dump at which an alert is due, in hours. */
  readonly maximumDumpAgeHours: number;
}

/** What must be true tonight: everything answers, every database has a proven backup, the standby follows. */
export function overview({ limit, maximumDumpAgeHours }: Figures): Dashboard {
  return new DashboardBuilder("Lab overview")
    .uid("lab-overview")
    .tags(["lab"])
    .readonly()
    .refresh("30s")
    .time({ from: "now-6h", to: "now" })
    .withVariable(new DatasourceVariableBuilder("datasource").label("Data source").type("prometheus"))
    .withVariable(
      new QueryVariableBuilder("instance")
        .label("Host")
        .datasource(datasource)
        .query('label_values(up{job="node"}, instance)')
        .refresh(VariableRefresh.OnTimeRangeChanged)
        .multi(true)
        .includeAll(true)
        .allValue(".+"),
    )
    .withPanel(
      stat({
        title: "Targets down",
        description: "Scrape targets that do not answer.",
        unit: "short",
        expression: "count(up == 0) or vector(0)",
        limits: "any",
      }),
    )
    .withPanel(
      stat({
        title: "Servers not ready",
        description: "Database servers that cannot be given the work of their role.",
        unit: "short",
        expression: `count(${ready} == 0) or 0 * count(${ready})`,
        limits: "any",
      }),
    )
    .withPanel(
      stat({
        title: "Oldest validated dump",
        description:
          "Time since the last dump that was proven by a restore, of the database that waits longest.",
        unit: "s",
        expression: "max(time() - dbkeeper_last_validated_timestamp_seconds)",
        limits: { critical: siteLimit(limit("databaseBackupAge"), maximumDumpAgeHours * 3600) },
      }),
    )
    .withPanel(
      stat({
        title: "Replication lag",
        description: "Seconds by which the standby is behind, as the standby sees it.",
        unit: "s",
        expression: "max(pg_replication_lag_seconds)",
        limits: { warning: limit("replicationLag"), critical: limit("replicationLagCritical") },
      }),
    )
    .withPanel(
      states({
        title: "Parts of health",
        description:
          "Which parts of each database server are well, by the figures at which alerts are critical; a gap is not known.",
        expression: `${healthOf}{instance=~"$instance"}`,
        legend: "{{instance}} {{component}}",
      }),
    )
    .withPanel(
      series({
        title: "Processor",
        description: "Share of time the processors were busy.",
        unit: "percentunit",
        expression:
          '1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle",instance=~"$instance"}[$__rate_interval]))',
        limits: { warning: limit("cpuBusy"), critical: limit("cpuBusyCritical") },
      }),
    )
    .withPanel(
      series({
        title: "Memory",
        description: "Share of memory in use.",
        unit: "percentunit",
        expression:
          '1 - node_memory_MemAvailable_bytes{instance=~"$instance"} / node_memory_MemTotal_bytes{instance=~"$instance"}',
        limits: { warning: limit("memoryUsed"), critical: limit("memoryUsedCritical") },
      }),
    )
    .withPanel(
      series({
        title: "Transactions",
        description: "Transactions committed a second, by database.",
        unit: "ops",
        expression:
          'sum by (instance, datname) (rate(pg_stat_database_xact_commit{datname!~"template.*|"}[$__rate_interval]))',
      }),
    )
    .build();
}

import {
  type Dashboard,
  DashboardBuilder,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  VariableRefresh,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as StatBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as TimeSeriesBuilder } from "@grafana/grafana-foundation-sdk/timeseries";

// Grafana fills in what the variable of that name holds.
// biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholder is Grafana's
const datasource = { type: "prometheus", uid: "${datasource}" };

/** What must be true tonight: everything answers, every database has a proven backup, the standby follows. */
export function overview(): Dashboard {
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
      stat("Targets down", "Scrape targets that do not answer.", "short", "count(up == 0) or vector(0)"),
    )
    .withPanel(
      stat(
        "Oldest validated dump",
        "Time since the last dump that was proven by a restore, of the database that waits longest.",
        "s",
        "max(time() - dbkeeper_last_validated_timestamp_seconds)",
      ),
    )
    .withPanel(
      stat(
        "Replication lag",
        "Seconds by which the standby is behind, as the standby sees it.",
        "s",
        "max(pg_replication_lag_seconds)",
      ),
    )
    .withPanel(
      series(
        "Processor",
        "Share of time the processors were busy.",
        "percentunit",
        '1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle",instance=~"$instance"}[$__rate_interval]))',
      ),
    )
    .withPanel(
      series(
        "Memory",
        "Share of memory in use.",
        "percentunit",
        '1 - node_memory_MemAvailable_bytes{instance=~"$instance"} / node_memory_MemTotal_bytes{instance=~"$instance"}',
      ),
    )
    .withPanel(
      series(
        "Transactions",
        "Transactions committed a second, by database.",
        "ops",
        'sum by (instance, datname) (rate(pg_stat_database_xact_commit{datname!~"template.*|"}[$__rate_interval]))',
      ),
    )
    .build();
}

function stat(title: string, description: string, unit: string, expression: string): StatBuilder {
  return new StatBuilder()
    .title(title)
    .description(description)
    .unit(unit)
    .datasource(datasource)
    .span(8)
    .height(5)
    .withTarget(new DataqueryBuilder().expr(expression).instant().refId("A"));
}

function series(title: string, description: string, unit: string, expression: string): TimeSeriesBuilder {
  return new TimeSeriesBuilder()
    .title(title)
    .description(description)
    .unit(unit)
    .datasource(datasource)
    .span(8)
    .height(9)
    .withTarget(new DataqueryBuilder().expr(expression).legendFormat("{{instance}}").refId("A"));
}

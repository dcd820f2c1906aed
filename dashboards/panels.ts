import {
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
} from "@grafana/grafana-foundation-sdk/common";
import {
  MappingType,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  type ValueMapping,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as StatBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as StateTimelineBuilder } from "@grafana/grafana-foundation-sdk/statetimeline";
import { PanelBuilder as TimeSeriesBuilder } from "@grafana/grafana-foundation-sdk/timeseries";
import type { Limit } from "../alert-rules/limit.ts";

// Grafana fills in what the variable of that name holds.
// biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholder is Grafana's
export const datasource = { type: "prometheus", uid: "${datasource}" };

/** What every panel has. */
interface Shown {
  readonly title: string;
  readonly description: string;
  /** Grafana's name of the unit, such as `percentunit`. */
  readonly unit: string;
  readonly expression: string;
  /** From which figures on values are too high, as the alerts have it; `any` where one of them is one too many. Default: no value is bad. */
  readonly limits?: Limits | "any";
}

/** The figures of an alert's tiers; where there is one tier, the other is left out. */
export interface Limits {
  readonly warning?: Limit;
  readonly critical?: Limit;
}

/** One number, with the colour of how bad it is. */
export function stat({ limits, ...shown }: Shown): StatBuilder {
  return new StatBuilder()
    .title(shown.title)
    .description(shown.description)
    .unit(shown.unit)
    .datasource(datasource)
    .thresholds(thresholds(limits))
    .noValue("not known")
    .span(6)
    .height(5)
    .withTarget(new DataqueryBuilder().expr(shown.expression).instant().refId("A"));
}

/** Values over time by `instance`, with a line where an alert begins. */
export function series({ limits, ...shown }: Shown): TimeSeriesBuilder {
  const panel = new TimeSeriesBuilder()
    .title(shown.title)
    .description(shown.description)
    .unit(shown.unit)
    .datasource(datasource)
    .span(8)
    .height(9)
    .withTarget(new DataqueryBuilder().expr(shown.expression).legendFormat("{{instance}}").refId("A"));
  if (!limits) return panel;
  const style = new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed);
  return panel.thresholds(thresholds(limits)).thresholdsStyle(style);
}

/** Series of 0 and 1 over time, a row each; what is not known has a gap. */
export function states({ legend, ...shown }: Omit<Shown, "unit" | "limits"> & { readonly legend: string }) {
  return new StateTimelineBuilder()
    .title(shown.title)
    .description(shown.description)
    .datasource(datasource)
    .mappings(wellOrNot)
    .thresholds(thresholds(undefined))
    .span(24)
    .height(12)
    .withTarget(new DataqueryBuilder().expr(shown.expression).legendFormat(legend).refId("A"));
}

const wellOrNot: ValueMapping[] = [
  {
    type: MappingType.ValueToText,
    options: {
      "0": { text: "fails", color: "red", index: 0 },
      "1": { text: "well", color: "green", index: 1 },
    },
  },
];

function thresholds(limits: Shown["limits"]): ThresholdsConfigBuilder {
  const { warning, critical } = limits === "any" ? { critical: { value: 1 } } : { ...limits };
  const steps: Threshold[] = [{ value: null, color: "green" }];
  if (warning) steps.push({ value: warning.value, color: "orange" });
  if (critical) steps.push({ value: critical.value, color: "red" });
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps);
}

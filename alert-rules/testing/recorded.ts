import { healthRecorded } from "../health.recorded.ts";

/** One of promtool's tests of what is recorded, at a minute a step. */
export interface RecordedTest {
  readonly name: string;
  readonly interval: "1m";
  readonly input_series: readonly object[];
  readonly promql_expr_test: readonly {
    readonly expr: string;
    readonly eval_time: string;
    readonly exp_samples: readonly object[];
  }[];
}

/** Tests of recordings that more than alerts depend on, by the group that records them. */
export const recordedByGroup: Readonly<Record<string, readonly RecordedTest[]>> = { health: healthRecorded };

import type { Site } from "../../site.ts";
import { inhibitRules } from "./inhibition.ts";
import { receiversOf } from "./receivers.ts";
import { routesOf } from "./routes.ts";
import { timeIntervalsOf } from "./time-intervals.ts";

export const templatesPath = "/etc/alertmanager/templates/lab.tmpl";

/** Alertmanager's configuration for a site. It holds no secret: where one is needed it names a file. */
export function configuration(site: Site): object {
  const intervals = timeIntervalsOf(site);
  return {
    // For alerts without an end of their own, which Prometheus' always have.
    global: { resolve_timeout: "5m" },
    templates: [templatesPath],
    route: routesOf(site),
    inhibit_rules: inhibitRules(),
    ...(intervals.length > 0 ? { time_intervals: intervals } : {}),
    receivers: receiversOf(site),
  };
}

import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { type Figures, overview } from "./overview.ts";

/** Every dashboard, by uid, with the figures that the site's alerts compare with. The uid is part of links and alerts, so it never changes. */
export function dashboards(figures: Figures): ReadonlyMap<string, Dashboard> {
  return new Map([overview(figures)].map((dashboard) => [dashboard.uid ?? "", dashboard]));
}

/** Dashboard JSON with sorted keys, so that a difference is a difference. */
export function renderDashboard(dashboard: Dashboard): string {
  return JSON.stringify(dashboard, (_, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}

import { stringify } from "yaml";
import * as z from "zod";
import { configuration } from "../../../infra/monitoring/prometheus.ts";
import type { Site } from "../../../infra/site.ts";

/** What of the delivered configuration is kept or moved. */
const delivered = z.looseObject({
  global: z.looseObject({}),
  scrape_configs: z.array(
    z.looseObject({
      job_name: z.string(),
      static_configs: z.array(z.object({ labels: z.record(z.string(), z.string()) })),
    }),
  ),
});

export interface Addresses {
  /** Of all exporters but Prometheus itself, and of Alertmanager. */
  readonly exporters: string;
  readonly prometheus: string;
  /** Where an exporter is found by its job and the name of its guest. */
  pathOf(target: { readonly job: string; readonly instance: string }): string;
  readonly rulesFolder: string;
}

/**
 * The configuration that the program delivers for a site, with its intervals, jobs and labels; only that every target
 * is on this machine, and neither encrypted nor behind a login.
 */
export function benchConfiguration(site: Site, addresses: Addresses): string {
  const { global, scrape_configs } = delivered.parse(configuration(site));
  return stringify({
    global,
    rule_files: [`${addresses.rulesFolder}/*.yml`],
    alerting: { alertmanagers: [{ static_configs: [{ targets: [addresses.exporters] }] }] },
    scrape_configs: scrape_configs.map(({ job_name, static_configs }) => ({
      job_name,
      static_configs: static_configs.map(({ labels }) => {
        const { job = job_name, instance = "" } = labels;
        return job === "prometheus"
          ? { targets: [addresses.prometheus], labels }
          : {
              targets: [addresses.exporters],
              labels: { ...labels, __metrics_path__: addresses.pathOf({ job, instance }) },
            };
      }),
    })),
  });
}

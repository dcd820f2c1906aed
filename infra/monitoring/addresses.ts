import type { Site } from "../site.ts";

/** Where people and Grafana reach a service of the monitoring host: by address, since not every network has names. */
export function webAddress(
  { guests, monitoring }: Site,
  service: "prometheus" | "alertmanager" | "grafana",
): string {
  const host = guests.find(({ name }) => name === monitoring.host);
  if (!host) throw new Error(`the site has no guest ${monitoring.host}`);
  return `https://${host.address}:${monitoring.ports[service]}`;
}

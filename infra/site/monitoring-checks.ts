import type { Site } from "../site.ts";
import type { Problem } from "./problems.ts";
import { duplicates } from "./references.ts";
import { delivered, portsApart } from "./service-checks.ts";

export function monitoringRules({ monitoring, guests }: Partial<Site>): Problem[] {
  if (!monitoring) return [];
  return [
    ...delivered("monitoring.host", monitoring.host, guests),
    ...duplicates(
      monitoring.channels.map((channel) => channel.name),
      "monitoring.channels",
      "name",
      (name) => `channel ${name} is named twice`,
    ),
    ...portsApart("monitoring.ports", portsInUse(monitoring)),
  ];
}

function portsInUse({ ports: { grafana, ...ports }, grafana: { install } }: Site["monitoring"]) {
  return install ? { ...ports, grafana } : ports;
}

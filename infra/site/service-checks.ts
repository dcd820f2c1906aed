import type { Site } from "../site.ts";
import type { Problem } from "./problems.ts";
import { duplicates, reference } from "./references.ts";

export function serviceReferences({ databases, monitoring, guests }: Partial<Site>): Problem[] {
  const names = guests?.map((guest) => guest.name);
  return [
    ...(monitoring ? reference("monitoring.host", monitoring.host, names, "guest") : []),
    ...duplicates(
      (monitoring?.channels ?? []).map((channel) => channel.name),
      "monitoring.channels",
      "name",
      (name) => `channel ${name} is named twice`,
    ),
    ...duplicates(
      (databases?.postgres ?? []).map((cluster) => cluster.name),
      "databases.postgres",
      "name",
      (name) => `cluster ${name} is named twice`,
    ),
    ...(databases?.postgres ?? []).flatMap((cluster, index) => {
      const at = `databases.postgres[${index}]`;
      const hosts = [cluster.primary, ...cluster.standbys];
      return [
        ...reference(`${at}.primary`, cluster.primary, names, "guest"),
        ...cluster.standbys.flatMap((standby, number) =>
          reference(`${at}.standbys[${number}]`, standby, names, "guest"),
        ),
        ...hosts.flatMap((host, number) =>
          hosts.indexOf(host) === number
            ? []
            : [
                {
                  path: `${at}.standbys[${number - 1}]`,
                  value: host,
                  reason: "it is in the cluster already",
                  allowed: "another guest",
                },
              ],
        ),
      ];
    }),
    ...(databases?.others ?? []).flatMap((other, index) =>
      reference(`databases.others[${index}].guest`, other.guest, names, "guest"),
    ),
  ];
}

import type { Site } from "../site.ts";
import type { Problem } from "./problems.ts";
import { duplicates, reference } from "./references.ts";

export function serviceReferences({ databases, monitoring, guests }: Partial<Site>): Problem[] {
  const names = guests?.map((guest) => guest.name);
  const delivered = (path: string, guest: string): Problem[] => [
    ...reference(path, guest, names, "guest"),
    ...deliverable(path, guest, guests),
  ];
  return [
    ...(monitoring ? delivered("monitoring.host", monitoring.host) : []),
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
        ...delivered(`${at}.primary`, cluster.primary),
        ...cluster.standbys.flatMap((standby, number) => delivered(`${at}.standbys[${number}]`, standby)),
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

/** Files reach only guests that the program made: of another one it does not know the host key. */
function deliverable(path: string, value: string, guests: Site["guests"] | undefined): Problem[] {
  const guest = guests?.find(({ name }) => name === value);
  if (!guest || (guest.managed && guest.os === "linux")) return [];
  return [
    {
      path,
      value,
      reason: "software is delivered to it, but the program does not make it",
      allowed: "a Linux guest with managed: true",
    },
  ];
}

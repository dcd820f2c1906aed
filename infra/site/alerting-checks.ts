import { areas } from "../../alert-rules/rule.ts";
import type { Site } from "../site.ts";
import { severities } from "./alerting.ts";
import type { Problem } from "./problems.ts";
import { reference } from "./references.ts";

type Monitoring = Site["monitoring"];
type Channel = Monitoring["channels"][number];

/** Receivers of the routes that are no channels; a channel of such a name would get what is not meant for it. */
const reservedReceivers = ["heartbeat", "nobody", "unrouted"] as const;

/** That routes lead somewhere: names that exist, and for each kind of alert somebody who hears of it. */
export function alertingRules({ monitoring, guests, pbs }: Partial<Site>): Problem[] {
  if (!monitoring) return [];
  const { channels } = monitoring;
  return [
    ...channels.flatMap(({ name }, index) => reservedName(name, `monitoring.channels[${index}].name`)),
    ...knownIntervals(monitoring),
    ...(guests ? knownHosts(monitoring, guests, pbs) : []),
    ...severities.flatMap((severity) => unheard(channels, severity)),
    ...(guests ? heartbeatOutside(monitoring, guests) : []),
  ];
}

function reservedName(name: string, path: string): Problem[] {
  if (!reservedReceivers.some((reserved) => reserved === name)) return [];
  return [{ path, value: name, reason: "a receiver of every site is called so", allowed: "another name" }];
}

function knownIntervals({ channels, maintenanceWindows, timeIntervals }: Monitoring): Problem[] {
  const known = Object.keys(timeIntervals);
  const check = (path: string, names: readonly string[] = []) =>
    names.flatMap((name, index) => reference(`${path}[${index}]`, name, known, "time interval"));
  return [
    ...channels.flatMap(({ activeTimeIntervals, muteTimeIntervals }, index) => [
      ...check(`monitoring.channels[${index}].activeTimeIntervals`, activeTimeIntervals),
      ...check(`monitoring.channels[${index}].muteTimeIntervals`, muteTimeIntervals),
    ]),
    ...maintenanceWindows.flatMap((window, index) =>
      check(`monitoring.maintenanceWindows[${index}].timeIntervals`, window.timeIntervals),
    ),
  ];
}

function knownHosts(
  { maintenanceWindows }: Monitoring,
  guests: Site["guests"],
  pbs: Site["pbs"] | undefined,
): Problem[] {
  const [backup = ""] = pbs?.host.split(".") ?? [];
  const known = [...guests.map(({ name }) => name), ...(pbs?.hostChecks ? [backup] : [])];
  return maintenanceWindows.flatMap(({ hosts = [] }, index) =>
    hosts.flatMap((host, at) =>
      reference(`monitoring.maintenanceWindows[${index}].hosts[${at}]`, host, known, "host"),
    ),
  );
}

/**
 * Alerts of which nobody would hear in time. A critical one must reach somebody at any hour; either kind somebody at
 * once, since the next level is for what the first has not heard.
 */
function unheard(channels: readonly Channel[], severity: "critical" | "warning"): Problem[] {
  const taking = channels.filter((channel) => channel.severities.includes(severity));
  const value = channels.map(({ name }) => name);
  if (taking.length === 0) {
    return [
      {
        path: "monitoring.channels",
        value,
        reason: `no channel takes alerts of severity ${severity}`,
        allowed: `a channel with ${severity} among its severities`,
      },
    ];
  }
  const inTime = taking.filter(
    (channel) => channel.escalationMinutes === 0 && (severity === "warning" || isAlwaysOpen(channel)),
  );
  const missing = areas.filter((area) => !inTime.some((channel) => channel.areas?.includes(area) ?? true));
  if (missing.length === 0) return [];
  const [when, allowed] =
    severity === "critical"
      ? ["at once at every hour", "without escalationMinutes and time intervals"]
      : ["at once", "without escalationMinutes"];
  return [
    {
      path: "monitoring.channels",
      value,
      reason: `no channel takes ${severity} alerts of ${missing.join(", ")} ${when}`,
      allowed: `a channel for them ${allowed}`,
    },
  ];
}

/** Whether a channel is told at every hour. */
function isAlwaysOpen(channel: Channel): boolean {
  return channel.activeTimeIntervals === undefined && channel.muteTimeIntervals === undefined;
}

/** Whether alerts of an area reach a channel at once and at every hour. */
export function isToldAtOnce(channel: Channel, area: (typeof areas)[number]): boolean {
  return channel.escalationMinutes === 0 && isAlwaysOpen(channel) && (channel.areas?.includes(area) ?? true);
}

/** What is to notice that the lab is silent must not be a part of it. */
function heartbeatOutside({ heartbeat }: Monitoring, guests: Site["guests"]): Problem[] {
  if (heartbeat?.url === undefined) return [];
  const { hostname } = new URL(heartbeat.url);
  const guest = guests.find(({ name, address }) => address === hostname || hostname.split(".")[0] === name);
  if (!guest) return [];
  return [
    {
      path: "monitoring.heartbeat.url",
      value: heartbeat.url,
      reason: `guest ${guest.name} answers there, which may be down together with the monitoring`,
      allowed: "a service outside of the lab",
    },
  ];
}

import type { Channel, Site } from "../../site.ts";
import { is, isOneOf, matcherText } from "./matchers.ts";

/** A route as Alertmanager's configuration has it. What is left out is that of the route around it. */
export interface Route {
  readonly receiver: string;
  readonly matchers?: readonly string[];
  readonly continue?: boolean;
  readonly group_by?: readonly string[];
  readonly group_wait?: string;
  readonly group_interval?: string;
  readonly repeat_interval?: string;
  readonly active_time_intervals?: readonly string[];
  readonly mute_time_intervals?: readonly string[];
  readonly routes?: readonly Route[];
}

/** Receivers that are no channels. */
export const receivers = {
  heartbeat: "heartbeat",
  nobody: "nobody",
  /** Alerts that nobody thought of: of a severity or an area that no route knows. */
  unrouted: "unrouted",
} as const;

/** The alert that always fires, so that its silence is one. */
export const watchdog = "Watchdog";

type Monitoring = Site["monitoring"];

/**
 * The routes of a site: every channel that takes an alert's severity and area gets it, each in its own time.
 * What only informs goes nowhere, and the watchdog to the heartbeat and to no human.
 */
export function routesOf({ monitoring }: Pick<Site, "monitoring">): Route {
  const { grouping, heartbeat, channels } = monitoring;
  return {
    receiver: receivers.unrouted,
    group_by: [...groups.warning],
    group_wait: duration(grouping.waitSeconds),
    group_interval: duration(grouping.intervalSeconds),
    repeat_interval: "4h",
    routes: [
      ...(heartbeat ? [heartbeatRoute(heartbeat)] : []),
      { receiver: receivers.nobody, matchers: [matcherText(isOneOf("severity", ["info", "none"]))] },
      ...(["critical", "warning"] as const).map((severity) => ({
        receiver: receivers.unrouted,
        matchers: [matcherText(is("severity", severity))],
        group_by: [...groups[severity]],
        routes: channels
          .filter((channel) => channel.severities.includes(severity))
          .map((channel) => channelRoute(channel, severity, monitoring)),
      })),
    ],
  };
}

/**
 * What comes in one message. Who is paged has one incident for each thing that broke; tickets of the same kind are
 * one, on however many hosts.
 */
const groups = {
  critical: ["alertname", "cluster", "instance"],
  warning: ["alertname", "cluster"],
} as const;

function heartbeatRoute({ intervalSeconds }: NonNullable<Monitoring["heartbeat"]>): Route {
  return {
    receiver: receivers.heartbeat,
    matchers: [is("alertname", watchdog), is("severity", "none")].map(matcherText),
    group_wait: "0s",
    group_interval: duration(intervalSeconds),
    // Looked at once an interval, and a repetition that is due a moment later would wait for another.
    repeat_interval: duration(intervalSeconds / 2),
  };
}

function channelRoute(channel: Channel, severity: "critical" | "warning", monitoring: Monitoring): Route {
  const { name, areas, escalationMinutes, repeatMinutes, activeTimeIntervals, muteTimeIntervals } = channel;
  const times = (windows: readonly string[]) => ({
    ...(activeTimeIntervals ? { active_time_intervals: [...activeTimeIntervals] } : {}),
    ...intervals([...new Set([...(muteTimeIntervals ?? []), ...windows])]),
  });
  const { everywhere, byHosts } = windowsOf(monitoring.maintenanceWindows);
  return {
    receiver: name,
    ...(areas ? { matchers: [matcherText(isOneOf("area", areas))] } : {}),
    // The next channel is asked as well.
    continue: true,
    ...(escalationMinutes > 0 ? escalation(escalationMinutes) : {}),
    repeat_interval: duration(repeatMinutes[severity] * 60),
    ...times(everywhere),
    ...(byHosts.length > 0
      ? {
          routes: byHosts.map(({ hosts, windows }) => ({
            receiver: name,
            matchers: [matcherText(isOneOf("instance", hosts))],
            ...times([...everywhere, ...windows]),
          })),
        }
      : {}),
  };
}

/**
 * Alertmanager knows no acknowledgement, but silences, and a group waits for `group_wait` before its first message:
 * what is resolved or silenced until then is not sent. Each alert is a group of its own, or one that joins a group
 * would be sent without having waited.
 */
function escalation(minutes: number): Pick<Route, "group_by" | "group_wait"> {
  return { group_by: ["..."], group_wait: duration(minutes * 60) };
}

function intervals(names: readonly string[]): Pick<Route, "mute_time_intervals"> {
  return names.length > 0 ? { mute_time_intervals: names } : {};
}

/** Windows of the whole site, and hosts by the windows that are theirs: each host is in one entry at most. */
function windowsOf(maintenanceWindows: Monitoring["maintenanceWindows"]): {
  readonly everywhere: readonly string[];
  readonly byHosts: readonly { readonly hosts: readonly string[]; readonly windows: readonly string[] }[];
} {
  const everywhere = maintenanceWindows.flatMap(({ hosts, timeIntervals }) => (hosts ? [] : timeIntervals));
  const windowsByHost = new Map<string, Set<string>>();
  for (const { hosts = [], timeIntervals } of maintenanceWindows) {
    for (const host of hosts) {
      const windows = windowsByHost.get(host) ?? new Set();
      for (const name of timeIntervals) windows.add(name);
      windowsByHost.set(host, windows);
    }
  }
  const alike = Map.groupBy(windowsByHost, ([, windows]) => [...windows].sort().join(" "));
  const byHosts = [...alike].map(([names, entries]) => ({
    hosts: entries.map(([host]) => host),
    windows: names.split(" "),
  }));
  return { everywhere, byHosts };
}

/** As Alertmanager takes it: whole units only, down to milliseconds. */
export function duration(seconds: number): string {
  const units = [
    [3600, "h"],
    [60, "m"],
    [1, "s"],
  ] as const;
  const unit = units.find(([size]) => seconds >= size && seconds % size === 0);
  if (unit) return `${seconds / unit[0]}${unit[1]}`;
  return seconds === 0 ? "0s" : `${Math.round(seconds * 1000)}ms`;
}

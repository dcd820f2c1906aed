import type { Channel } from "../../infra/site.ts";
import type { Message } from "../sinks/store.ts";

/** A channel of the site that must be told of an alert at once. */
export interface ExpectedReceiver {
  readonly name: string;
  /** Whether a message at the sinks came through this channel. */
  readonly isFor: (message: Message) => boolean;
}

/** The channels that take an alert of this severity and area, without waiting for somebody to acknowledge it. */
export function expectedReceivers(
  channels: readonly Channel[],
  { severity, area }: { readonly severity: "critical" | "warning"; readonly area: string },
): ExpectedReceiver[] {
  return channels
    .filter(
      ({ severities, areas, escalationMinutes }) =>
        severities.includes(severity) &&
        (areas === undefined || areas.some((each) => each === area)) &&
        escalationMinutes === 0,
    )
    .map((channel) => ({ name: channel.name, isFor: matcherOf(channel) }));
}

/** The sinks tell channels apart by mail address, path, or the name of Slack's channel. */
function matcherOf(channel: Channel): (message: Message) => boolean {
  switch (channel.type) {
    case "email":
      return ({ kind, to }) => kind === "mail" && channel.to.every((address) => to.includes(address));
    case "slack":
      return ({ kind, text }) => kind === "webhook" && text.includes(`"${channel.channel}"`);
    case "pagerduty":
      return ({ kind, path }) => kind === "webhook" && path.includes("pagerduty");
    case "webhook":
      return ({ kind, path, text }) =>
        kind === "webhook" && text.includes('"alerts"') && !path.includes("heartbeat");
  }
}

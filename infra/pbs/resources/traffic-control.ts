import { isIPv4, isIPv6 } from "node:net";
import { z } from "zod";
import { apiPath } from "../client.ts";
import { configResource } from "./config-object.ts";
import { comment, dailyDuration, listOf, objectName, rate, userId } from "./values.ts";

const network = z.string().refine((text) => {
  const [address = "", bits = "", ...more] = text.split("/");
  if (more.length > 0 || !/^\d{1,3}$/.test(bits)) return false;
  return (isIPv4(address) && Number(bits) <= 32) || (isIPv6(address) && Number(bits) <= 128);
}, 'a network is an address with a prefix length, for example "192.0.2.0/24" or "::/0"');

/** How fast clients of some networks may read and write backups. */
export const trafficControlInputs = z.object({
  name: objectName,
  /** To which clients it applies; the narrowest network of all rules wins. */
  network: listOf(network),
  /** Users to whom it applies, on whatever network rule; by default all. */
  users: listOf(userId).optional(),
  /** When it applies, for example `mon..fri 8-19`, in the server's time zone; by default always. */
  timeframe: listOf(dailyDuration).optional(),
  /** What the server receives. */
  rateIn: rate,
  /** What the server sends. */
  rateOut: rate,
  /** What may be received at once before `rateIn` holds. */
  burstIn: rate,
  /** What may be sent at once before `rateOut` holds. */
  burstOut: rate,
  comment: comment.optional(),
});

export const trafficControl = configResource({
  token: "pbs:index:TrafficControl",
  kind: "traffic control rule",
  file: "traffic-control",
  inputs: trafficControlInputs,
  identity: ["name"],
  idOf: (inputs) => inputs.name,
  createAt: (inputs) => ({ path: "/config/traffic-control", parameters: { name: inputs.name } }),
  itemPath: (id) => apiPath`/config/traffic-control/${id}`,
  identityOf: (id) => ({ name: id }),
});

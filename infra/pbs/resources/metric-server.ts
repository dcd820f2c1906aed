import { z } from "zod";
import { apiPath } from "../client.ts";
import { configResource } from "./config-object.ts";
import { comment, httpUrl, line, objectName, secretLine } from "./values.ts";
import { sameNameOtherType, typeAndName, type Variant, variantFailures } from "./variants.ts";

const serverTypes = z.enum(["influxdb-http", "influxdb-udp"], {
  error: "a metric server is of type influxdb-http or influxdb-udp",
});
const influxName = line.min(1).max(32, "this has at most 32 characters");

/** A database to which the server sends figures about itself. Which properties there are depends on `type`. */
export const metricServerInputs = z.object({
  name: objectName,
  /** What kind of database it is, and how it is reached. */
  type: serverTypes,
  /** Whether figures are sent. */
  enable: z.boolean().default(true),
  comment: comment.optional(),

  /** influxdb-http: for example `https://influx.example.org:8086`. */
  url: httpUrl.optional(),
  /** influxdb-http. Default proxmox. */
  organization: influxName.optional(),
  /** influxdb-http. Default proxmox. */
  bucket: influxName.optional(),
  /** influxdb-http. Secret. */
  token: secretLine.optional(),
  /** influxdb-http: whether the certificate is checked. Default true. */
  verifyTls: z.boolean().optional(),
  /** influxdb-http: bytes that are sent at once. Default 25000000. */
  maxBodySize: z.int().min(1, "maxBodySize is a number of bytes").optional(),

  /** influxdb-udp: name or address with a port, `influx.example.org:8089`. */
  host: z
    .string()
    .regex(
      /^(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:.]+\]):\d{1,5}$/,
      'host is a name or an address with a port, for example "influx.example.org:8089" or "[2001:db8::1]:8089"',
    )
    .optional(),
  /** influxdb-udp: bytes of a packet. Default 1500. */
  mtu: z.int().min(512, "mtu is at least 512").max(65536, "mtu is at most 65536").optional(),
});

type Inputs = z.output<typeof metricServerInputs>;
type Own = Exclude<keyof Inputs, "name" | "type" | "enable" | "comment">;

/** What the types have beside a comment and a switch. */
export const metricVariants = {
  "influxdb-http": {
    needs: ["url"],
    takes: ["organization", "bucket", "token", "verifyTls", "maxBodySize"],
  },
  "influxdb-udp": { needs: ["host"], takes: ["mtu"] },
} as const satisfies Record<Inputs["type"], Variant<Own>>;

export const metricServer = configResource({
  token: "pbs:index:MetricServer",
  kind: "metric server",
  file: "metrics",
  inputs: metricServerInputs,
  identity: ["name", "type"],
  deleteBeforeReplace: sameNameOtherType,
  writeOnly: ["token"],
  serverDefaults: {
    organization: "proxmox",
    bucket: "proxmox",
    verifyTls: true,
    maxBodySize: 25_000_000,
    mtu: 1500,
  },
  checkTogether: (inputs) => variantFailures(metricVariants, inputs),
  idOf: ({ type, name }) => `${type}/${name}`,
  createAt: ({ type, name }) => ({ path: `/config/metrics/${type}`, parameters: { name } }),
  itemPath: (id) => {
    const { type, name } = identityOf(id);
    return apiPath`/config/metrics/${type}/${name}`;
  },
  identityOf,
});

function identityOf(id: string) {
  return typeAndName(serverTypes, id, "metric server");
}

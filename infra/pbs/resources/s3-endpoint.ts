import { z } from "zod";
import { apiPath } from "../client.ts";
import { configResource } from "./config-object.ts";
import { fingerprint, line, listOf, objectName, port, rate, secretLine } from "./values.ts";

/** Where and as whom buckets are used that hold datastores. */
export const s3EndpointInputs = z.object({
  endpointId: objectName,
  /** A name or an address; `{{bucket}}` and `{{region}}` stand for those of the datastore and of this endpoint. */
  endpoint: z
    .string()
    .regex(
      /^(?:\{\{bucket\}\}\.)?(?:[A-Za-z0-9.-]|\{\{region\}\})+$|^\[?[0-9a-fA-F:.]+\]?$/,
      'an endpoint is a name or an address without scheme and port, for example "s3.eu-central-1.amazonaws.com" or "{{bucket}}.s3.{{region}}.amazonaws.com"',
    ),
  /** Default 443. */
  port: port.optional(),
  /** Region of the buckets, for example `eu-central-1`. */
  region: z
    .string()
    .max(32, "a region has at most 32 characters")
    .regex(
      /^[_a-z\d][-_a-z\d]+$/,
      'a region has small letters, digits, "-" and "_", for example "eu-central-1"',
    )
    .optional(),
  accessKey: line.min(1, "an access key is not empty"),
  /** Secret. */
  secretKey: secretLine,
  /** Names the bucket in the path instead of the host name, which most servers other than AWS want. */
  pathStyle: z.boolean().default(false),
  /** Of the server's certificate, where no authority that the system knows has signed it. */
  fingerprint: fingerprint.optional(),
  /** Uploads a second. It can be changed, but the server cannot forget it: leaving it out again replaces the endpoint. */
  putRateLimit: z.int().min(1, "putRateLimit is a number of requests a second from 1").optional(),
  rateIn: rate,
  rateOut: rate,
  burstIn: rate,
  burstOut: rate,
  /** What the server at the other end cannot do. */
  providerQuirks: listOf(
    z.enum(["skip-if-none-match-header", "delete-objects-via-delete-object"], {
      error: "a quirk is skip-if-none-match-header or delete-objects-via-delete-object",
    }),
  ).optional(),
});

export const s3Endpoint = configResource({
  token: "pbs:index:S3Endpoint",
  kind: "S3 endpoint",
  file: "s3",
  inputs: s3EndpointInputs,
  identity: ["endpointId"],
  unremovable: ["putRateLimit"],
  deleteBeforeReplace: (changed) => !changed.includes("endpointId"),
  writeOnly: ["secretKey"],
  presumed: ["secretKey"],
  serverDefaults: { port: 443 },
  idOf: (inputs) => inputs.endpointId,
  createAt: (inputs) => ({ path: "/config/s3", parameters: { id: inputs.endpointId } }),
  itemPath: (id) => apiPath`/config/s3/${id}`,
  identityOf: (id) => ({ endpointId: id }),
});

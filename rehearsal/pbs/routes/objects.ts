import { isIP } from "node:net";
import { ApiError, parameterError } from "../errors.ts";
import type { Route } from "../route.ts";
import { textOf } from "../route.ts";
import {
  asText,
  authId,
  comment,
  fingerprint,
  flag,
  host,
  hostFault,
  id,
  listOf,
  rates,
  text,
  userId,
} from "../types.ts";
import { objectRoutes } from "./sections.ts";

const number = { type: "integer", optional: true } as const;
const anyPassword = { type: "string", minLength: 1, maxLength: 1024, pattern: /^[^\p{Cc}]*$/u } as const;

function deletable(properties: object, except: readonly string[]): string[] {
  return Object.keys(properties).filter((name) => !except.includes(name));
}

const remoteProperties = {
  name: id,
  host,
  port: number,
  "auth-id": authId,
  password: anyPassword,
  fingerprint,
  "use-node-proxy": flag,
  comment,
};

const remote = objectRoutes({
  file: "remote",
  path: "/config/remote",
  idName: "name",
  properties: remoteProperties,
  deletable: deletable(remoteProperties, ["name", "host", "auth-id", "password"]),
  secrets: ["password"],
  maySee: (server, section, caller) =>
    server.access.has(caller, ["remote", textOf(section, "name")], ["Remote.Audit"]),
  createPermission: { path: ["remote"], privilege: "Remote.Modify" },
  readPermission: { path: ["remote", "{name}"], privilege: "Remote.Audit" },
  modifyPermission: { path: ["remote", "{name}"], privilege: "Remote.Modify" },
  requireUnused(state, name) {
    const job = Object.values(state.sync).find((one) => one.remote === name);
    if (job) {
      throw new ApiError(400, `remote '${name}' is used by sync job '${job.id}' (datastore '${job.store}')`);
    }
  },
  missing: (name) => new ApiError(400, `no such remote '${name}'`),
  missingToDelete: (name) => new ApiError(404, `remote '${name}' does not exist.`),
  duplicate: (name) => parameterError([["name", `remote '${name}' already exists.`]]),
});

const s3Properties = {
  id,
  endpoint: { type: "string", verify: endpointFault },
  port: number,
  region: { type: "string", maxLength: 32, pattern: /^[_a-z\d][-_a-z\d]+$/, optional: true },
  "access-key": { type: "string" },
  "secret-key": { type: "string" },
  fingerprint,
  "path-style": flag,
  "put-rate-limit": number,
  ...rates,
  "provider-quirks": {
    type: "array",
    enum: ["skip-if-none-match-header", "delete-objects-via-delete-object"],
    optional: true,
  },
} as const;
const s3Path = ["system", "s3-endpoint"];

const s3 = objectRoutes({
  file: "s3",
  path: "/config/s3",
  idName: "id",
  properties: s3Properties,
  deletable: deletable(s3Properties, ["id", "endpoint", "access-key", "secret-key", "put-rate-limit"]),
  secrets: ["secret-key"],
  maySee: (server, section, caller) =>
    server.access.has(caller, [...s3Path, textOf(section, "id")], ["Sys.Audit"]),
  createPermission: { path: s3Path, privilege: "Sys.Modify" },
  readPermission: { path: [...s3Path, "{id}"], privilege: "Sys.Audit" },
  modifyPermission: { path: [...s3Path, "{id}"], privilege: "Sys.Modify" },
  requireUnused(state, name) {
    const store = Object.values(state.datastore).find((one) =>
      textOf(one, "backend").split(",").includes(`client=${name}`),
    );
    if (store) throw new ApiError(400, `in use by datastore ${store.name}`);
  },
  missing: (name) => new ApiError(400, `no such s3client '${name}'`),
  missingToDelete: (name) => new ApiError(404, `s3 config '${name}' does not exist.`),
  duplicate: (name) => parameterError([["id", `s3 config '${name}' already exists.`]]),
});

/** Host or address, in which the bucket and region may be left open. */
function endpointFault(given: string): string | undefined {
  return hostFault(given.replace(/^\{\{bucket\}\}\./, "").replaceAll("{{region}}", "region"));
}

const trafficProperties = {
  name: id,
  ...rates,
  comment,
  network: { type: "array", verifyItem: networkFault },
  timeframe: listOf(timeframeFault),
  users: listOf(asText(userId)),
} as const;

const trafficControl = objectRoutes({
  file: "traffic-control",
  path: "/config/traffic-control",
  idName: "name",
  properties: trafficProperties,
  deletable: deletable(trafficProperties, ["name", "network"]),
  listPermission: { path: [], privilege: "Sys.Modify" },
  createPermission: { path: [], privilege: "Sys.Modify" },
  readPermission: { path: [], privilege: "Sys.Audit" },
  modifyPermission: { path: [], privilege: "Sys.Modify" },
  missing: (name) => new ApiError(400, `no such rule '${name}'`),
  missingToDelete: (name) => new ApiError(404, `traffic control rule '${name}' does not exist.`),
  duplicate: (name) => parameterError([["name", `traffic control rule '${name}' already exists.`]]),
});

function networkFault(given: string): string | undefined {
  const [address = "", bits = "", ...more] = given.split("/");
  const version = isIP(address);
  const fits = version !== 0 && /^\d{1,3}$/.test(bits) && more.length === 0;
  return fits && Number(bits) <= (version === 6 ? 128 : 32)
    ? undefined
    : "value does not match the regex pattern";
}

function timeframeFault(given: string): string | undefined {
  const time = "(?:[01]?\\d|2[0-4])(?::[0-5]\\d)?";
  const day = "(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*";
  const days = `${day}(?:\\.\\.${day})?(?:,${day}(?:\\.\\.${day})?)*`;
  return new RegExp(`^(?:${days} )?${time}-${time}$`, "i").test(given)
    ? undefined
    : `unable to parse daily duration '${given}'`;
}

const metricRights = {
  listPermission: { path: [], privilege: "Sys.Audit" },
  createPermission: { path: [], privilege: "Sys.Modify" },
  readPermission: { path: [], privilege: "Sys.Audit" },
  modifyPermission: { path: [], privilege: "Sys.Modify" },
  duplicate: (name: string) => parameterError([["name", `metric server '${name}' already exists.`]]),
} as const;
const shortName = { ...text, minLength: 1, maxLength: 32 };

const httpProperties = {
  name: id,
  url: { type: "string", verify: urlFault },
  token: text,
  bucket: shortName,
  organization: shortName,
  "max-body-size": number,
  "verify-tls": flag,
  enable: flag,
  comment,
} as const;

const influxHttp = objectRoutes({
  ...metricRights,
  file: "metrics",
  type: "influxdb-http",
  path: "/config/metrics/influxdb-http",
  idName: "name",
  properties: httpProperties,
  deletable: deletable(httpProperties, ["name", "url"]),
  secrets: ["token"],
  missing: (name) => new ApiError(400, `no such influxdb-http '${name}'`),
});

const udpProperties = {
  name: id,
  host: { type: "string", verify: hostPortFault },
  mtu: number,
  enable: flag,
  comment,
} as const;

const influxUdp = objectRoutes({
  ...metricRights,
  file: "metrics",
  type: "influxdb-udp",
  path: "/config/metrics/influxdb-udp",
  idName: "name",
  properties: udpProperties,
  deletable: deletable(udpProperties, ["name", "host"]),
  missing: (name) => new ApiError(400, `no such influxdb-udp '${name}'`),
});

export function urlFault(given: string): string | undefined {
  return /^https?:\/\//.test(given) && URL.canParse(given)
    ? undefined
    : "value does not match the regex pattern";
}

function hostPortFault(given: string): string | undefined {
  const [, host = "", at = ""] = /^(.+):(\d{1,5})$/.exec(given) ?? [];
  const fault = hostFault(host.replace(/^\[(.*)\]$/, "$1"));
  return fault === undefined && Number(at) <= 65_535 ? undefined : "value does not match the regex pattern";
}

/** What a server knows of other machines: remotes, object stores, traffic and metrics. */
export const objects: readonly Route[] = [...remote, ...s3, ...trafficControl, ...influxHttp, ...influxUdp];

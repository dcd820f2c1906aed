import type { IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";
import type { S3Request } from "./actions.ts";
import type { Context } from "./conditions.ts";
import { S3Error } from "./errors.ts";
import type { Principal } from "./policy.ts";
import type { SignedRequest } from "./signature.ts";

/** A request with everything that decisions need. */
export interface ProxyRequest extends S3Request, SignedRequest {
  /** Path and query as they were sent. */
  readonly url: string;
  readonly secure: boolean;
  readonly tlsVersion: string | undefined;
  readonly sourceAddress: string;
}

/**
 * Reads a request. Buckets are named in the path, as the rehearsal's clients do; names in front of the host (virtual
 * hosts) would need a name service.
 */
export function readRequest(incoming: IncomingMessage): ProxyRequest {
  const url = incoming.url ?? "/";
  const [path = "/", search = ""] = url.split(/\?(.*)/s, 2);
  const [bucket = "", ...key] = path.slice(1).split("/").map(decode);
  const socket = incoming.socket;
  return {
    method: incoming.method ?? "GET",
    url,
    path,
    bucket,
    key: key.join("/"),
    query: readQuery(search),
    headers: Object.fromEntries(
      Object.entries(incoming.headersDistinct).map(([name, values]) => [name, values?.join(",")]),
    ),
    secure: socket instanceof TLSSocket,
    tlsVersion: socket instanceof TLSSocket ? (socket.getProtocol() ?? undefined) : undefined,
    sourceAddress: socket.remoteAddress ?? "",
  };
}

function readQuery(search: string): ReadonlyMap<string, string> {
  return new Map(
    search
      .split("&")
      .filter((pair) => pair !== "")
      .map((pair): [string, string] => {
        const [name = "", value = ""] = pair.split(/=(.*)/s, 2);
        return [decode(name), decode(value)];
      }),
  );
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new S3Error(400, "InvalidURI", "Couldn't parse the specified URI.");
  }
}

/**
 * The condition keys of a request (service authorization reference, "Condition keys for Amazon S3"; IAM user guide,
 * "AWS global condition context keys").
 */
export function conditionContext(request: ProxyRequest, principal: Principal, presigned: boolean): Context {
  const ofQuery = ["prefix", "delimiter", "max-keys", "versionId"].flatMap((name): [string, string][] => {
    const value = request.query.get(name);
    return value === undefined ? [] : [[`s3:${name.toLowerCase()}`, value]];
  });
  const ofHeaders = Object.entries(request.headers).flatMap(([name, value]): [string, string][] => {
    if (value === undefined) return [];
    if (name.startsWith("x-amz-object-lock-")) return [[`s3:${name.slice(6)}`, value]];
    return name.startsWith("x-amz-") ? [[`s3:${name}`, value]] : [];
  });
  return new Map<string, string>([
    ...ofHeaders,
    ...ofQuery,
    ["aws:securetransport", String(request.secure)],
    ["aws:sourceip", request.sourceAddress],
    ["s3:authtype", presigned ? "REST-QUERY-STRING" : "REST-HEADER"],
    ["s3:signatureversion", "AWS4-HMAC-SHA256"],
    ...(request.tlsVersion === undefined
      ? []
      : [["s3:tlsversion", request.tlsVersion.replace("TLSv", "")] as const]),
    ...("arn" in principal
      ? ([
          ["aws:principalarn", principal.arn],
          ["aws:principalaccount", principal.account],
          ["aws:principaltype", principal.type === "root" ? "Account" : "User"],
          ["aws:username", principal.arn.split("/").at(-1) ?? ""],
        ] as const)
      : []),
  ]);
}

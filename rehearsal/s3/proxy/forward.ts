import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import type { Moto } from "./moto.ts";
import type { ProxyRequest } from "./request.ts";
import { readSignature } from "./signature.ts";

/** An answer to the client; a body that comes from the server behind is handed through. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: Readable | string;
}

/** Headers that belong to one connection, or to a framing that is taken off here. */
const notPassed = new Set([
  "connection",
  "keep-alive",
  "transfer-encoding",
  "expect",
  "host",
  "te",
  "upgrade",
  "content-length",
  "x-amz-decoded-content-length",
  "x-amz-trailer",
  "x-amz-content-sha256",
  "authorization",
  "x-proxy-token",
  "x-amz-bypass-governance-retention",
]);

/** Sends a judged request on to the server behind, without what was only meant for this one. */
export async function pass(
  moto: Moto,
  request: ProxyRequest,
  body: Readable | undefined,
  sizeBytes: number,
  trailers: ReadonlyMap<string, string>,
): Promise<Answer> {
  const signature = readSignature(request);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers))
    if (value !== undefined && !notPassed.has(name)) headers[name] = value;
  for (const [name, value] of trailers) headers[name] = value;
  const encoding = (headers["content-encoding"] ?? "")
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "" && each !== "aws-chunked");
  delete headers["content-encoding"];
  if (encoding.length > 0) headers["content-encoding"] = encoding.join(",");
  // moto keeps a checksum only under the name of its algorithm.
  const checksum = Object.keys(headers).find((name) => /^x-amz-checksum-(crc|sha)/.test(name));
  if (checksum !== undefined)
    headers["x-amz-sdk-checksum-algorithm"] = checksum.slice("x-amz-checksum-".length).toUpperCase();
  // moto takes the header for true, whatever its value.
  if (request.headers["x-amz-bypass-governance-retention"]?.toLowerCase() === "true")
    headers["x-amz-bypass-governance-retention"] = "true";
  if (body !== undefined) headers["content-length"] = String(sizeBytes);
  const { region = "us-east-1", service = "s3", accessKeyId = "anonymous" } = signature ?? {};
  headers.authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20200101/${region}/${service}/aws4_request, SignedHeaders=host, Signature=0`;
  const response = await moto.forward({
    method: request.method,
    path: withoutSignature(request.url),
    headers,
    ...(body ? { body } : {}),
  });
  if (service !== "s3" || (request.key === "" && request.method !== "GET" && request.method !== "HEAD"))
    moto.forget();
  return { status: response.statusCode ?? 502, headers: answerHeaders(response), body: response };
}

function answerHeaders(response: IncomingMessage): Record<string, string | string[]> {
  const dropped = new Set(["connection", "keep-alive", "transfer-encoding", "server"]);
  return Object.fromEntries(
    Object.entries(response.headers).filter(
      (entry): entry is [string, string | string[]] => entry[1] !== undefined && !dropped.has(entry[0]),
    ),
  );
}

function withoutSignature(url: string): string {
  const [path = "", search = ""] = url.split(/\?(.*)/s, 2);
  const kept = search
    .split("&")
    .filter(
      (pair) =>
        pair !== "" &&
        !/^X-Amz-(Algorithm|Content-Sha256|Credential|Date|Expires|SignedHeaders|Signature)=/.test(pair),
    );
  return kept.length === 0 ? path : `${path}?${kept.join("&")}`;
}

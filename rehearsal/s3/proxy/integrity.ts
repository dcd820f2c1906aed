import type { ReceivedBody } from "./body.ts";
import { type Algorithm, algorithms, isAlgorithm } from "./checksums.ts";
import { S3Error } from "./errors.ts";

type Headers = Readonly<Record<string, string | undefined>>;

/** What the headers say of the body that follows. */
export interface BodyPlan {
  readonly chunked: "no" | "unsigned" | "signed";
  /** Checksums to compute. */
  readonly wanted: readonly Algorithm[];
  /** Names of the headers that come after the body. */
  readonly trailers: readonly string[];
  readonly decodedBytes: number | undefined;
}

/** @throws S3Error for a framing or a checksum that S3 does not know */
export function planBody(headers: Headers): BodyPlan {
  const payload = headers["x-amz-content-sha256"] ?? "";
  const chunked = payload.startsWith("STREAMING-UNSIGNED-PAYLOAD-TRAILER")
    ? "unsigned"
    : payload.startsWith("STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
      ? "signed"
      : "no";
  if (chunked === "no" && payload.startsWith("STREAMING-"))
    throw new S3Error(501, "NotImplemented", `x-amz-content-sha256 ${payload} is not known to the rehearsal`);
  const trailers = chunked === "no" ? [] : listOf(headers["x-amz-trailer"]);
  const named = [...Object.keys(headers), ...trailers]
    .filter((name) => name.startsWith("x-amz-checksum-"))
    .map((name) => name.slice("x-amz-checksum-".length))
    .filter((name) => !["algorithm", "type", "mode"].includes(name));
  for (const name of named) {
    if (!isAlgorithm(name))
      throw invalid(`the checksum ${name} is not known; known are ${algorithms.join(", ")}`);
  }
  const decoded = headers["x-amz-decoded-content-length"];
  if (chunked !== "no" && decoded === undefined) {
    throw new S3Error(411, "MissingContentLength", "You must provide the Content-Length HTTP header.");
  }
  return {
    chunked,
    wanted: named.filter(isAlgorithm),
    trailers,
    decodedBytes: decoded === undefined ? undefined : Number(decoded),
  };
}

/**
 * Holds a body against everything that was said of it (S3 user guide, "Checking object integrity").
 * @throws S3Error BadDigest, XAmzContentSHA256Mismatch, IncompleteBody, InvalidDigest or MalformedTrailerError
 */
export function checkBody(
  headers: Headers,
  plan: BodyPlan,
  body: ReceivedBody,
  trailers: ReadonlyMap<string, string>,
): void {
  const payload = headers["x-amz-content-sha256"] ?? "";
  if (/^[0-9a-f]{64}$/.test(payload) && payload !== body.sha256) {
    throw new S3Error(
      400,
      "XAmzContentSHA256Mismatch",
      "The provided 'x-amz-content-sha256' header does not match what was computed.",
      {
        ClientComputedContentSHA256: payload,
        S3ComputedContentSHA256: body.sha256,
      },
    );
  }
  if (plan.decodedBytes !== undefined && plan.decodedBytes !== body.sizeBytes) {
    throw new S3Error(
      400,
      "IncompleteBody",
      "You did not provide the number of bytes specified by the x-amz-decoded-content-length HTTP header",
    );
  }
  const md5 = headers["content-md5"];
  if (md5 !== undefined && Buffer.from(md5, "base64").length !== 16)
    throw new S3Error(400, "InvalidDigest", "The Content-MD5 you specified was invalid.");
  if (md5 !== undefined && md5 !== body.md5)
    throw new S3Error(400, "BadDigest", "The Content-MD5 you specified did not match what we received.");
  for (const name of plan.trailers) {
    if (!trailers.has(name))
      throw new S3Error(
        400,
        "MalformedTrailerError",
        `The request contained trailing data that was not well-formed: ${name} is missing`,
      );
  }
  for (const algorithm of plan.wanted) {
    const name = `x-amz-checksum-${algorithm}`;
    const given = trailers.get(name) ?? headers[name];
    if (given !== body.checksums.get(algorithm))
      throw new S3Error(
        400,
        "BadDigest",
        `The ${algorithm.toUpperCase()} you specified did not match the calculated checksum.`,
      );
  }
}

/**
 * An upload to a bucket with object lock must carry a checksum (S3 user guide, "Managing Object Lock", "Uploading
 * objects using an Object Lock enabled bucket"); each part of an upload as well.
 * @throws S3Error InvalidRequest in AWS's words
 */
export function demandChecksum(headers: Headers, plan: BodyPlan, isPart: boolean): void {
  if (headers["content-md5"] !== undefined || plan.wanted.length > 0) return;
  throw invalid(
    `Content-MD5 OR x-amz-checksum- HTTP header is required for Put ${isPart ? "Part" : "Object"} requests with Object Lock parameters`,
  );
}

/**
 * Where an upload was begun with a checksum algorithm, its completion must give the checksum of every part (S3 API
 * reference, CompleteMultipartUpload).
 * @throws S3Error InvalidRequest naming the first part without one
 */
export function demandPartChecksums(document: string, algorithm: string): void {
  for (const [part] of document.matchAll(/<Part>.*?<\/Part>/gs)) {
    if (part.includes(`<Checksum${algorithm.toUpperCase()}>`)) continue;
    const number = /<PartNumber>(\d+)<\/PartNumber>/.exec(part)?.[1] ?? "?";
    throw invalid(
      `The upload was created using a ${algorithm.toLowerCase()} checksum. The complete request must include the checksum for each part. It was missing for part ${number} in the request.`,
    );
  }
}

function listOf(value: string | undefined): string[] {
  return (value ?? "")
    .split(",")
    .map((each) => each.trim().toLowerCase())
    .filter((each) => each !== "");
}

function invalid(message: string): S3Error {
  return new S3Error(400, "InvalidRequest", message);
}

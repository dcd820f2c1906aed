import { createHash, createHmac, type Hash, type Hmac, timingSafeEqual } from "node:crypto";
import { createScope, getSigningKey, SignatureV4 } from "@smithy/signature-v4";
import type { ChunkSigner } from "./chunked.ts";
import { S3Error } from "./errors.ts";

/** A request as it came, as far as its signature covers it. */
export interface SignedRequest {
  readonly method: string;
  /** As sent: nothing decoded. */
  readonly path: string;
  readonly query: ReadonlyMap<string, string>;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/** What a request says of its signature (S3 API reference, "Authenticating requests (AWS Signature Version 4)"). */
export interface Signature {
  readonly accessKeyId: string;
  readonly shortDate: string;
  readonly region: string;
  readonly service: string;
  readonly longDate: string;
  readonly signedHeaders: ReadonlySet<string>;
  readonly value: string;
  /** How long it is good, where it is in the address of the request. */
  readonly expiresSeconds: number | undefined;
}

/** The signature of a request, from its header or its address; undefined where it has none. */
export function readSignature({ headers, query }: SignedRequest): Signature | undefined {
  const header = headers.authorization;
  if (header !== undefined) {
    const parts =
      /^AWS4-HMAC-SHA256 Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]{64})$/.exec(
        header,
      );
    if (!parts) throw malformed("it is no AWS4-HMAC-SHA256 signature");
    const [, credential = "", signedHeaders = "", value = ""] = parts;
    return signatureOf({
      credential,
      signedHeaders,
      value,
      longDate: headers["x-amz-date"],
      expires: undefined,
    });
  }
  if (!query.has("X-Amz-Signature")) return undefined;
  if (query.get("X-Amz-Algorithm") !== "AWS4-HMAC-SHA256")
    throw malformed("X-Amz-Algorithm must be AWS4-HMAC-SHA256");
  return signatureOf({
    credential: query.get("X-Amz-Credential") ?? "",
    signedHeaders: query.get("X-Amz-SignedHeaders") ?? "",
    value: query.get("X-Amz-Signature") ?? "",
    longDate: query.get("X-Amz-Date"),
    expires: query.get("X-Amz-Expires") ?? "",
  });
}

function signatureOf(given: {
  credential: string;
  signedHeaders: string;
  value: string;
  longDate: string | undefined;
  expires: string | undefined;
}): Signature {
  const [accessKeyId = "", shortDate = "", region = "", service = "", end] = given.credential.split("/");
  if (end !== "aws4_request") throw malformed("the credential must be KEY/DATE/REGION/SERVICE/aws4_request");
  if (
    given.longDate === undefined ||
    !/^\d{8}T\d{6}Z$/.test(given.longDate) ||
    !given.longDate.startsWith(shortDate)
  )
    throw malformed("x-amz-date is missing or of another day than the credential");
  const expiresSeconds = given.expires === undefined ? undefined : Number(given.expires);
  // S3 API reference, "Authenticating requests: using query parameters": at most seven days.
  if (expiresSeconds !== undefined && !(expiresSeconds >= 1 && expiresSeconds <= 604_800)) {
    throw new S3Error(
      400,
      "AuthorizationQueryParametersError",
      "X-Amz-Expires must be between 1 and 604800 seconds",
    );
  }
  return {
    accessKeyId,
    shortDate,
    region,
    service,
    longDate: given.longDate,
    signedHeaders: new Set(given.signedHeaders.split(";")),
    value: given.value,
    expiresSeconds,
  };
}

/**
 * Checks a signature against the key's secret and the clock.
 * @param payloadHash the value of x-amz-content-sha256, or the body's SHA-256 where a service sends no such header
 * @returns the signer of the chunks that follow, should the body come in signed chunks
 * @throws S3Error RequestTimeTooSkewed, AccessDenied or SignatureDoesNotMatch
 */
export async function verifySignature(
  signature: Signature,
  request: SignedRequest,
  secret: string,
  payloadHash: string,
  now: Date,
): Promise<ChunkSigner> {
  checkTime(signature, now);
  const { signedHeaders, service, region } = signature;
  const unsigned = Object.keys(request.headers).filter(
    (name) => name.startsWith("x-amz-") && !signedHeaders.has(name),
  );
  if (!signedHeaders.has("host") || unsigned.length > 0) {
    throw new S3Error(
      403,
      "AccessDenied",
      "There were headers present in the request which were not signed",
      {
        HeadersNotSigned: unsigned.join(", "),
      },
    );
  }
  const credentials = { accessKeyId: signature.accessKeyId, secretAccessKey: secret };
  const verifier = new Verifier({
    credentials,
    region,
    service,
    sha256: NodeSha256,
    uriEscapePath: service !== "s3",
  });
  const expected = await verifier.signatureFor(request, signature, payloadHash);
  if (!sameText(expected, signature.value)) {
    throw new S3Error(
      403,
      "SignatureDoesNotMatch",
      "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
    );
  }
  return verifier.chunkSigner(signature);
}

function checkTime({ longDate, expiresSeconds }: Signature, now: Date): void {
  const iso = longDate.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z");
  const ageSeconds = (now.getTime() - Date.parse(iso)) / 1000;
  // S3 API reference, error RequestTimeTooSkewed: 15 minutes.
  if (ageSeconds < -900 || (expiresSeconds === undefined && ageSeconds > 900)) {
    throw new S3Error(
      403,
      "RequestTimeTooSkewed",
      "The difference between the request time and the current time is too large.",
      { RequestTime: longDate, ServerTime: now.toISOString(), MaxAllowedSkewMilliseconds: "900000" },
    );
  }
  if (expiresSeconds !== undefined && ageSeconds > expiresSeconds)
    throw new S3Error(403, "AccessDenied", "Request has expired");
}

/** The signer of the AWS SDK, asked for what it would have signed. */
class Verifier extends SignatureV4 {
  async signatureFor(request: SignedRequest, signature: Signature, payloadHash: string): Promise<string> {
    const headers = Object.fromEntries(
      [...signature.signedHeaders].map((name) => [
        name,
        // Spaces inside a value are one, those around it none (API reference, "Canonical request").
        (request.headers[name] ?? "").trim().replace(/\s+/g, " "),
      ]),
    );
    const query = Object.fromEntries([...request.query].filter(([name]) => name !== "X-Amz-Signature"));
    const canonical = this.createCanonicalRequest(
      { method: request.method, path: request.path, query, headers, protocol: "https:", hostname: "" },
      headers,
      payloadHash,
    );
    const { shortDate, region, service, longDate } = signature;
    const scope = createScope(shortDate, region, service);
    const text = await this.createStringToSign(longDate, scope, canonical, "AWS4-HMAC-SHA256");
    return this.hmac(signature, text);
  }

  chunkSigner(signature: Signature): ChunkSigner {
    const scope = createScope(signature.shortDate, signature.region, signature.service);
    let previous = signature.value;
    const next = async (lines: string[]): Promise<string> => {
      previous = await this.hmac(signature, lines.join("\n"));
      return previous;
    };
    const empty = createHash("sha256").digest("hex");
    return {
      chunk: (sha256) =>
        next(["AWS4-HMAC-SHA256-PAYLOAD", signature.longDate, scope, previous, empty, sha256]),
      trailer: (sha256) => next(["AWS4-HMAC-SHA256-TRAILER", signature.longDate, scope, previous, sha256]),
    };
  }

  private async hmac({ shortDate, region, service }: Signature, text: string): Promise<string> {
    const key = await getSigningKey(NodeSha256, await this.credentialProvider(), shortDate, region, service);
    return createHmac("sha256", key).update(text).digest("hex");
  }
}

/** Node's own hash behind the SDK's interface. */
export class NodeSha256 {
  private readonly hash: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.hash = secret === undefined ? createHash("sha256") : createHmac("sha256", bytesOf(secret));
  }

  update(data: Uint8Array): void {
    this.hash.update(data);
  }

  async digest(): Promise<Uint8Array> {
    return this.hash.digest();
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): string | Uint8Array {
  if (typeof data === "string") return data;
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function sameText(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

function malformed(reason: string): S3Error {
  return new S3Error(
    400,
    "AuthorizationHeaderMalformed",
    `The authorization header that you provided is not valid: ${reason}`,
  );
}

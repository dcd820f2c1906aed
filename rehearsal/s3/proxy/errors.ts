/** A refusal in the form in which AWS answers it. */
export class S3Error extends Error {
  readonly status: number;
  /** AWS's name for it, for example AccessDenied. */
  readonly code: string;
  /** Further elements of the answer. */
  readonly details: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, details: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = "S3Error";
    this.status = status;
    this.code = code;
    this.details = details;
  }
}

export function accessDenied(message = "Access Denied"): S3Error {
  return new S3Error(403, "AccessDenied", message);
}

/** The body of a refusal: S3 answers XML, IAM, SNS and STS another XML, KMS JSON (their API references, "Errors"). */
export function errorBody(
  error: S3Error,
  service: string,
  requestId: string,
): { readonly type: string; readonly body: string } {
  if (service === "kms") {
    const body = JSON.stringify({ __type: `${error.code}Exception`, message: error.message });
    return { type: "application/x-amz-json-1.1", body };
  }
  const elements = Object.entries({ Code: error.code, Message: error.message, ...error.details }).map(
    ([name, value]) => `<${name}>${escapeXml(value)}</${name}>`,
  );
  const inner =
    service === "s3"
      ? `<Error>${elements.join("")}<RequestId>${requestId}</RequestId></Error>`
      : `<ErrorResponse><Error><Type>Sender</Type>${elements.join("")}</Error><RequestId>${requestId}</RequestId></ErrorResponse>`;
  return {
    type: service === "s3" ? "application/xml" : "text/xml",
    body: `<?xml version="1.0" encoding="UTF-8"?>\n${inner}`,
  };
}

export function escapeXml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

export function unescapeXml(text: string): string {
  return text
    .replace(/&#(x[0-9a-fA-F]+|[0-9]+);/g, (_, code: string) =>
      String.fromCodePoint(code.startsWith("x") ? Number.parseInt(code.slice(1), 16) : Number(code)),
    )
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&apos;", "'")
    .replaceAll("&amp;", "&");
}

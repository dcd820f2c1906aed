/** The parts of a mail that a reader of alerts needs. */
export interface Mail {
  /** Names in lower case; repeated ones joined by ", ". Encoded words are decoded. */
  readonly headers: Record<string, string>;
  /** The first text/plain part, or the first text part of any kind; decoded, lines ended by \n. */
  readonly text: string;
}

/** Reads a mail as it came over SMTP (RFC 5322 with MIME): headers and the readable text. */
export function parseMail(raw: Buffer): Mail {
  const { headers, body } = split(raw.toString("latin1"));
  const texts = textParts(headers, body);
  const best = texts.find((part) => part.type === "text/plain") ?? texts[0];
  return { headers, text: (best?.text ?? "").replaceAll("\r\n", "\n") };
}

interface TextPart {
  readonly type: string;
  readonly text: string;
}

function split(raw: string): Mail & { readonly body: string } {
  const end = /\r?\n\r?\n/.exec(raw);
  const head = end ? raw.slice(0, end.index) : raw;
  const headers: Record<string, string> = {};
  for (const line of head.replace(/\r?\n[ \t]+/g, " ").split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (colon < 1) continue;
    const name = line.slice(0, colon).toLowerCase();
    const value = decodeWords(Buffer.from(line.slice(colon + 1).trim(), "latin1").toString("utf8"));
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  return { headers, text: "", body: end ? raw.slice(end.index + end[0].length) : "" };
}

function textParts(headers: Record<string, string>, body: string): TextPart[] {
  const contentType = headers["content-type"] ?? "text/plain";
  const type = (contentType.split(";")[0] ?? "").trim().toLowerCase();
  if (type.startsWith("multipart/")) {
    const boundary = /boundary="?([^";]+)"?/i.exec(contentType)?.[1];
    if (boundary === undefined) return [];
    const inner = body.split(`--${boundary}`).slice(1, -1);
    return inner
      .map((part) => split(part.replace(/^\r?\n/, "")))
      .flatMap((part) => textParts(part.headers, part.body));
  }
  if (!type.startsWith("text/")) return [];
  const bytes = decodeTransfer((headers["content-transfer-encoding"] ?? "7bit").toLowerCase(), body);
  const charset = /charset="?([^";]+)"?/i.exec(contentType)?.[1] ?? "utf-8";
  return [{ type, text: new TextDecoder(charset).decode(bytes) }];
}

function decodeTransfer(encoding: string, body: string): Buffer {
  if (encoding === "base64") return Buffer.from(body, "base64");
  if (encoding === "quoted-printable") return quotedPrintable(body.replace(/=\r?\n/g, ""));
  return Buffer.from(body, "latin1");
}

function quotedPrintable(text: string): Buffer {
  const plain = text.replace(/=([0-9A-F]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(plain, "latin1");
}

/** `=?utf-8?q?Voids_=F0=9F=8C=8C?=` → text (RFC 2047). */
function decodeWords(value: string): string {
  return value
    .replace(/\?=\s+=\?/g, "?==?")
    .replace(/=\?([^?]+)\?([bq])\?([^?]*)\?=/gi, (_, charset: string, encoding: string, text: string) => {
      const bytes =
        encoding.toLowerCase() === "b"
          ? Buffer.from(text, "base64")
          : quotedPrintable(text.replaceAll("_", " "));
      return new TextDecoder(charset).decode(bytes);
    });
}

import { request as httpRequest } from "node:http";
import { isIP } from "node:net";
import { connect, type TLSSocket } from "node:tls";

/** By what a server's certificate is judged; the system's certificate authorities where neither is given. */
export interface Trust {
  /** PEM of a certificate authority, or of the server's own certificate. */
  readonly caCertificate?: string | undefined;
  /** SHA-256 fingerprint of the server's certificate; then nothing else about the certificate is checked. */
  readonly fingerprint?: string | undefined;
}

export interface HttpRequest {
  readonly method: string;
  /** With the query string. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

/** The server could not be reached, so a call that changes nothing may be repeated. */
export class ConnectionError extends Error {}

/**
 * One request on a connection of its own. The certificate is verified before the first byte of the request leaves,
 * so that a wrong server never sees the credentials.
 * @throws ConnectionError when the server is away; Error when its certificate is not trusted or the signal aborts.
 */
export async function exchange(
  server: URL,
  trust: Trust,
  request: HttpRequest,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  signal.throwIfAborted();
  const socket = await connectTrusted(server, trust, signal);
  return new Promise<HttpAnswer>((resolve, reject) => {
    const fail = (error: Error) => {
      socket.destroy();
      reject(signal.aborted ? signal.reason : brokenConnection(server, request, error));
    };
    const outgoing = httpRequest(
      {
        method: request.method,
        path: request.path,
        headers: { ...request.headers, host: server.host, connection: "close" },
        createConnection: () => socket,
        signal,
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("error", fail);
        answer.on("end", () =>
          resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }),
        );
      },
    );
    outgoing.on("error", fail);
    outgoing.end(request.body);
  });
}

/** What was sent may have acted, which matters where it was more than a question. */
function brokenConnection(server: URL, { method, path }: HttpRequest, error: Error): ConnectionError {
  const call = `${method} ${path.split("?")[0]?.replace("/api2/json", "")}`;
  const doubt =
    method === "GET"
      ? ""
      : "; whether the server has done it is not known, so it is not repeated: run `pulumi refresh`, then `pulumi up`";
  return new ConnectionError(
    `${server.origin} broke the connection during ${call} (${error.message})${doubt}`,
  );
}

function connectTrusted(server: URL, trust: Trust, signal: AbortSignal): Promise<TLSSocket> {
  const host = server.hostname.replace(/^\[|\]$/g, "");
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port: Number(server.port || 443),
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(trust.caCertificate === undefined ? {} : { ca: trust.caCertificate }),
      // With a fingerprint the certificate is compared below, which is stricter than any authority.
      rejectUnauthorized: trust.fingerprint === undefined,
    });
    const abort = () => socket.destroy(signal.reason);
    const settle = (error: Error | undefined) => {
      signal.removeEventListener("abort", abort);
      if (!error) return resolve(socket);
      socket.destroy();
      reject(error);
    };
    signal.addEventListener("abort", abort, { once: true });
    socket.once("error", (error) =>
      settle(signal.aborted ? signal.reason : connectFailure(server, error, trust)),
    );
    socket.once("secureConnect", () =>
      settle(fingerprintFailure(server, socket.getPeerX509Certificate()?.fingerprint256, trust)),
    );
  });
}

function fingerprintFailure(server: URL, actual: string | undefined, trust: Trust): Error | undefined {
  if (trust.fingerprint === undefined) return undefined;
  const given = normalFingerprint(actual ?? "");
  const wanted = normalFingerprint(trust.fingerprint);
  if (given === wanted) return undefined;
  return new Error(
    `the certificate of ${server.origin} has the SHA-256 fingerprint ${given}, but the provider expects ${wanted}: ` +
      "either this is another server, or its certificate was renewed (compare with `proxmox-backup-manager cert info` on the server, then set `fingerprint`)",
  );
}

/** `AA:BB…`, `aabb…` and `aa:bb…` as the product writes it: `aa:bb…`. */
function normalFingerprint(fingerprint: string): string {
  const digits = fingerprint.replaceAll(":", "").toLowerCase();
  return digits.match(/../g)?.join(":") ?? digits;
}

function connectFailure(server: URL, error: Error & { code?: string }, trust: Trust): Error {
  if (/CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS/.test(error.code ?? "")) {
    const authority =
      trust.caCertificate === undefined
        ? "set `caCertificate`"
        : "`caCertificate` is not the authority that signed it: set the right one";
    // Node.js adds advice on how to start it, which is of no use to a plugin's user.
    const why = error.message.replace(/; if the root CA is installed locally.*$/, "");
    return new Error(
      `the certificate of ${server.origin} is not trusted: ${why}; ` +
        `${authority}, or \`fingerprint\` to what \`proxmox-backup-manager cert info\` shows on the server`,
    );
  }
  const plain = /^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG)$/.test(error.code ?? "");
  const why = plain ? "what answers there does not speak TLS" : error.message || error.code;
  return new ConnectionError(
    `cannot connect to ${server.origin}: ${why}; ${connectAdvice(server, error.code)}`,
  );
}

function connectAdvice(server: URL, code: string | undefined): string {
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return "is the name in `url` right, and known to the name servers here?";
  const port = server.port || "443";
  const usual = port === "8007" ? "" : ` (a backup server listens on 8007, \`url\` names ${port})`;
  return `is the server running, its port right${usual}, and no firewall in between?`;
}

import type { IncomingMessage } from "node:http";
import { Agent, type RequestOptions, request } from "node:https";
import { isIP } from "node:net";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";

/** Whom to believe that it is the server. */
export interface Trust {
  /** SHA-256 of its certificate, `aa:bb:…`; then nothing else about the certificate is checked. */
  readonly fingerprint?: string | undefined;
  /** PEM of the authority that signed its certificate. The system's authorities where both are left out. */
  readonly caCertificate?: string | undefined;
}

/** An answer whose body has not been read yet. */
export interface Answer {
  readonly status: number;
  readonly body: IncomingMessage;
}

/** Calls to one HTTPS server over connections that are kept. The certificate is checked before a byte is sent. */
export class HttpsCaller {
  readonly #agent: TrustingAgent;
  readonly #server: { readonly host: string; readonly port: number };

  constructor(server: { readonly host: string; readonly port: number }, trust: Trust) {
    this.#server = server;
    this.#agent = new TrustingAgent(trust);
  }

  /** Fails when the connection does; an answer of any status is an answer. */
  call(
    method: string,
    path: string,
    headers: Readonly<Record<string, string | number>>,
    body?: Uint8Array | string,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const options = { ...this.#server, agent: this.#agent, method, path, headers };
      const outgoing = request(options, (answer) =>
        resolve({ status: answer.statusCode ?? 0, body: answer }),
      );
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** The whole body as text. */
export async function textOf(answer: Answer): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of answer.body) parts.push(part);
  return Buffer.concat(parts).toString("utf8");
}

type Connected = (error: Error | null, socket?: TLSSocket) => void;

class TrustingAgent extends Agent {
  readonly #trust: Trust;

  constructor(trust: Trust) {
    super({
      keepAlive: true,
      maxSockets: 8,
      ...(trust.caCertificate === undefined ? {} : { ca: trust.caCertificate }),
    });
    this.#trust = trust;
  }

  override createConnection(options: RequestOptions, connected?: unknown): undefined {
    const done = connected as Connected;
    const { fingerprint } = this.#trust;
    const host = String(options.host ?? "");
    const socket = connect({
      ...(options as ConnectionOptions),
      ...(isIP(host) === 0 ? { servername: host } : { servername: "" }),
      rejectUnauthorized: fingerprint === undefined,
    });
    const fail = (error: Error) => {
      socket.destroy();
      done(error);
    };
    socket.once("error", fail);
    socket.once("secureConnect", () => {
      socket.off("error", fail);
      const given = socket.getPeerX509Certificate()?.fingerprint256.toLowerCase();
      if (fingerprint === undefined || given === fingerprint.toLowerCase()) return done(null, socket);
      fail(
        new Error(
          `the certificate of ${host} has the fingerprint ${given}, not ${fingerprint.toLowerCase()}`,
        ),
      );
    });
  }
}

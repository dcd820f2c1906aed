import { randomBytes } from "node:crypto";
import { mkdir, readFile, rm } from "node:fs/promises";
import {
  createServer as createHttp,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createHttps } from "node:https";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import type { CertificateFiles } from "../../lib/tls.ts";
import type { RootCredentials } from "./access.ts";
import { errorBody, S3Error } from "./errors.ts";
import { handle, type Parts } from "./handler.ts";
import { Moto } from "./moto.ts";
import { readRequest } from "./request.ts";
import { Restores } from "./restores.ts";
import { announceCompleted, simulate } from "./simulation.ts";

export interface ProxyOptions {
  readonly address: string;
  /** Port of the encrypted address; 0 takes a free one. */
  readonly port: number;
  /** Port of the plain one. It is there so that a policy that refuses plain requests can be seen to. */
  readonly plainPort: number;
  readonly tls: CertificateFiles;
  /** Where the proxy keeps what moto does not know. */
  readonly folder: string;
  readonly root: RootCredentials;
  /** The server behind, and the token by which it knows the proxy. */
  readonly motoUrl: string;
  readonly motoToken: string;
}

export interface RunningProxy {
  readonly url: string;
  readonly plainUrl: string;
  close(): Promise<void>;
}

/** Puts what AWS enforces in front of a server that does not. */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const spoolFolder = join(options.folder, "spool");
  await rm(spoolFolder, { recursive: true, force: true });
  await mkdir(spoolFolder, { recursive: true, mode: 0o700 });
  const moto = new Moto(options.motoUrl, options.motoToken);
  const restores = await Restores.open(join(options.folder, "restores.json"));
  const parts: Parts = { moto, restores, root: options.root, spoolFolder };
  const listener = (request: IncomingMessage, response: ServerResponse) =>
    void answer(parts, request, response);
  const [cert, key] = await Promise.all([readFile(options.tls.certPath), readFile(options.tls.keyPath)]);
  const servers = [
    createHttps({ cert, key, minVersion: "TLSv1.2" }, listener),
    createHttp(listener),
  ] as const;
  // A large upload may take longer than Node's five minutes.
  for (const server of servers) server.requestTimeout = 0;
  const [port, plainPort] = await Promise.all([
    listen(servers[0], options.address, options.port),
    listen(servers[1], options.address, options.plainPort),
  ]);
  const timer = setInterval(() => void announceCompleted(parts).catch(report), 1000).unref();
  return {
    url: `https://${options.address}:${port}`,
    plainUrl: `http://${options.address}:${plainPort}`,
    close: async () => {
      clearInterval(timer);
      await Promise.all(servers.map(close));
      moto.close();
    },
  };
}

async function answer(parts: Parts, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const requestId = randomBytes(8).toString("hex").toUpperCase();
  const isHead = incoming.method === "HEAD";
  try {
    const request = readRequest(incoming);
    const found = request.path.startsWith("/_sim/")
      ? await simulate(parts, request, await text(incoming))
      : await handle(parts, request, incoming);
    response.writeHead(found.status, { "x-amz-request-id": requestId, ...found.headers });
    if (typeof found.body === "string") response.end(isHead ? undefined : found.body);
    else await pipeline(found.body as Readable, response);
  } catch (error) {
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const refused = error instanceof S3Error ? error : internal(error);
    const { type, body } = errorBody(refused, serviceOf(incoming), requestId);
    // What is left of the body is not read: the connection cannot be used again.
    const unread = incoming.complete ? {} : { connection: "close" };
    response.writeHead(refused.status, {
      "content-type": type,
      "content-length": Buffer.byteLength(body),
      "x-amz-request-id": requestId,
      ...unread,
    });
    response.end(isHead ? undefined : body);
    incoming.resume();
  }
}

function internal(error: unknown): S3Error {
  report(error);
  return new S3Error(500, "InternalError", "We encountered an internal error. Please try again.");
}

function report(error: unknown): void {
  console.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
}

function serviceOf({ headers }: IncomingMessage): string {
  return /Credential=[^/]+\/[^/]+\/[^/]+\/([^/]+)\//.exec(headers.authorization ?? "")?.[1] ?? "s3";
}

function listen(server: Server, address: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) =>
      reject(new Error(`cannot listen on ${address}:${port}: ${error.message}`)),
    );
    server.listen(port, address, () => {
      const bound = server.address();
      resolve(typeof bound === "object" && bound ? bound.port : port);
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}

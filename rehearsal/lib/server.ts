import { readFile } from "node:fs/promises";
import fastify, { type FastifyInstance } from "fastify";
import type { CertificateFiles } from "./tls.ts";

/** How one of the rehearsal's servers listens. */
export interface ListenOptions {
  address: string;
  /** 0 takes a free port. */
  port: number;
  /** Plain HTTP where left out. */
  tls?: CertificateFiles;
  /** Largest accepted request body in bytes. Default 1 MiB. */
  bodyLimitBytes?: number;
}

/** A server that listens. */
export interface RunningServer {
  url: string;
  port: number;
  /** Answers what has begun, then closes. */
  close(): Promise<void>;
}

/** A fastify instance with the common settings of the rehearsal's servers; routes are added by the caller. */
export async function createServer(options: ListenOptions): Promise<FastifyInstance> {
  const common = {
    bodyLimit: options.bodyLimitBytes ?? 1 << 20,
    forceCloseConnections: "idle" as const,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 1024 },
  };
  if (options.tls === undefined) return fastify(common);
  const https = {
    cert: await readFile(options.tls.certPath),
    key: await readFile(options.tls.keyPath),
    minVersion: "TLSv1.2" as const,
  };
  return fastify({ ...common, https }) as unknown as FastifyInstance;
}

/** Starts to listen. Fails with address and port where they are taken. */
export async function listen(server: FastifyInstance, options: ListenOptions): Promise<RunningServer> {
  try {
    await server.listen({ host: options.address, port: options.port });
  } catch (error) {
    throw new Error(`cannot listen on ${options.address}:${options.port}: ${String(error)}`);
  }
  const bound = server.server.address();
  if (bound === null || typeof bound === "string") throw new Error("the server has no TCP address");
  const host = options.address.includes(":") ? `[${options.address}]` : options.address;
  return {
    url: `${options.tls === undefined ? "http" : "https"}://${host}:${bound.port}`,
    port: bound.port,
    close: () => server.close(),
  };
}

import { readFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Context } from "../context.ts";
import { Failure, messageOf } from "../exit-codes.ts";
import { currentMetrics } from "../metrics/metrics.ts";
import { redact } from "../system/child.ts";
import type { HealthConfig } from "./config.ts";
import { checkHealth, type Health, scopes, withDeadline } from "./health.ts";

/** Limits that keep a client which never finishes its request from holding anything up. */
const clientLimits = {
  headersTimeout: 5000,
  requestTimeout: 5000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
  maxHeaderSize: 8192,
};

/** Connections at the same time; more are refused. */
const maximumConnections = 64;

interface Answer {
  status: number;
  type: string;
  body: string;
  headers?: Record<string, string>;
}

/**
 * Serves `/health` (all components), `/health/live`, `/health/ready` (200, or 503 where a component is failing) and
 * `/metrics` until the signal fires. Reads only; asks each component at most once at a time, however many ask.
 */
export async function serveHealth(context: Context): Promise<void> {
  const { config, report, signal } = context;
  signal.throwIfAborted();
  const server = await serverFor(config.health, listenerFor(context));
  server.maxConnections = maximumConnections;
  const { address, port } = await listen(server, config.health);
  const shown = address.includes(":") ? `[${address}]` : address;
  const url = `${config.health.tls === undefined ? "http" : "https"}://${shown}:${port}`;
  report.event("info", "health-serving", `serving ${url}/health, /health/live, /health/ready and /metrics`, {
    url,
  });
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  server.close();
  server.closeAllConnections();
  report.event("info", "health-stopped", "no longer serving");
}

async function serverFor({ tls }: HealthConfig, listener: RequestListener): Promise<Server> {
  if (tls === undefined) return createServer(clientLimits, listener);
  const [cert, key] = await Promise.all([readFile(tls.certificateFile), readFile(tls.keyFile)]);
  return createTlsServer({ ...clientLimits, cert, key, minVersion: "TLSv1.3" }, listener);
}

async function listen(server: Server, { address, port }: HealthConfig): Promise<AddressInfo> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) =>
      reject(new Failure("preflight", `cannot listen on ${address} port ${port}: ${messageOf(error)}`)),
    );
    server.listen(port, address, resolve);
  });
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("the server has no address");
  return bound;
}

function listenerFor(context: Context): RequestListener {
  const answer = answersOf(context);
  return (request, response) => {
    // Nothing that is asked here has a body.
    request.resume();
    void answer(request.method ?? "", (request.url ?? "").split("?")[0] ?? "")
      .catch((error: unknown) => failed(error))
      .then((result) => send(response, result, request.method === "HEAD"));
  };
}

function answersOf(context: Context): (method: string, path: string) => Promise<Answer> {
  const once = singleFlight();
  const { deadlineSeconds } = context.config.health;
  const health = (scope: keyof typeof scopes) => async () =>
    healthAnswer(await once(scope, () => checkHealth(context, scopes[scope])));
  const paths: Readonly<Record<string, () => Promise<Answer>>> = {
    "/health": health("overall"),
    "/health/live": health("live"),
    "/health/ready": health("ready"),
    "/metrics": async () => ({
      status: 200,
      type: "text/plain; version=0.0.4; charset=utf-8",
      body: await withDeadline(
        once("metrics", () => currentMetrics(context)),
        deadlineSeconds,
      ),
    }),
  };
  return async (method, path) => {
    const found = Object.hasOwn(paths, path) ? paths[path] : undefined;
    if (found === undefined)
      return problem(404, `there is nothing here; try ${Object.keys(paths).join(", ")}`);
    if (method !== "GET" && method !== "HEAD")
      return { ...problem(405, "only GET and HEAD"), headers: { allow: "GET, HEAD" } };
    return await found();
  };
}

/** Of several that ask for the same at once, the first one asks and all get its answer. */
function singleFlight(): <T>(key: string, work: () => Promise<T>) => Promise<T> {
  const running = new Map<string, Promise<unknown>>();
  return <T>(key: string, work: () => Promise<T>) => {
    const current = running.get(key);
    if (current !== undefined) return current as Promise<T>;
    const started = work().finally(() => running.delete(key));
    running.set(key, started);
    return started;
  };
}

function healthAnswer(health: Health): Answer {
  return json(health.state === "failing" ? 503 : 200, health);
}

function failed(error: unknown): Answer {
  return problem(503, redact(messageOf(error)));
}

function problem(status: number, error: string): Answer {
  return json(status, { error });
}

function json(status: number, value: object): Answer {
  return { status, type: "application/json", body: `${JSON.stringify(value)}\n` };
}

function send(
  response: ServerResponse,
  { status, type, body, headers = {} }: Answer,
  headOnly: boolean,
): void {
  response.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...headers,
  });
  response.end(headOnly ? undefined : body);
}

import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Exchange } from "./api-check.ts";

/** How a server tells of its calls. */
export interface ObservedServer {
  /** All parameters of a call: of path, query and body. */
  parametersOf(request: FastifyRequest): Readonly<Record<string, unknown>>;
  /** The API's name of a parameter that stands in the path, where the router has another. Default the same. */
  nameInPath?(name: string): string;
  /** Told of every call of the product's API when its answer is sent. */
  observe(exchange: Exchange): void;
}

const prefix = "/api2/json";
const answer = z.object({ data: z.unknown() });

/**
 * Tells of every call that a simulated server answers, refusals and unknown paths included; not of what the product
 * does not have, below `/sim`. Install it before routes and faults.
 */
export function observeExchanges(app: FastifyInstance, server: ObservedServer): void {
  app.addHook("onSend", async (request, reply, payload) => {
    if (request.url.startsWith("/sim/") || isUnread(request)) return payload;
    const path = describedPath(request, server.nameInPath);
    const parameters = server.parametersOf(request);
    const { statusCode: status } = reply;
    const sent = status === 200 ? answer.parse(JSON.parse(String(payload))) : {};
    server.observe({ method: request.method, path, parameters, status, ...sent });
    return payload;
  });
}

/** Whether an injected fault ended the call before its body was read: what it asked for is not known. */
function isUnread({ headers, body }: FastifyRequest): boolean {
  const announced = headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
  return announced && body === undefined;
}

/** The path as the API's description writes it; as it was called where no route has it. */
function describedPath(request: FastifyRequest, nameInPath = (name: string) => name): string {
  const route = request.routeOptions.url ?? request.url.split("?")[0] ?? "";
  const path = route.startsWith(`${prefix}/`) ? route.slice(prefix.length) : route;
  // Only a volume may contain slashes.
  return path.replaceAll(/:([^/]+)/g, (_, name: string) => `{${nameInPath(name)}}`).replace("*", "{volume}");
}

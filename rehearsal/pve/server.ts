import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Exchange } from "../lib/api-check.ts";
import { observeExchanges } from "../lib/exchanges.ts";
import { installFaults } from "../lib/faults.ts";
import { createServer, type ListenOptions, listen, type RunningServer } from "../lib/server.ts";
import { agentRoutes } from "./agent-routes.ts";
import { nobody } from "./auth.ts";
import { backupContentRoutes } from "./backup-content-routes.ts";
import { backupRoutes } from "./backup-routes.ts";
import { cloneRoutes } from "./clone-routes.ts";
import { clusterRoutes } from "./cluster-routes.ts";
import { contentRoutes } from "./content-routes.ts";
import { ApiError } from "./errors.ts";
import { loginRoutes } from "./login-routes.ts";
import { addNodeRoutes } from "./node-routes.ts";
import { poolRoutes } from "./pool-routes.ts";
import { powerRoutes } from "./power-routes.ts";
import { requestCaller } from "./request-caller.ts";
import { roleRoutes } from "./role-routes.ts";
import { Page, type Route } from "./route.ts";
import type { Simulator } from "./simulator.ts";
import { snapshotRoutes } from "./snapshot-routes.ts";
import { addSnippetRoutes } from "./snippets.ts";
import { storageRoutes } from "./storage-routes.ts";
import { storageStatusRoutes } from "./storage-status.ts";
import { tokenRoutes } from "./token-routes.ts";
import { userRoutes } from "./user-routes.ts";
import { vmRoutes } from "./vm-routes.ts";
import { vzdumpRoutes } from "./vzdump-routes.ts";

/** Every route of the product's API that is simulated. */
export const apiRoutes: Route[] = [
  ...clusterRoutes,
  ...storageRoutes,
  ...storageStatusRoutes,
  ...contentRoutes,
  ...backupContentRoutes,
  ...vmRoutes,
  ...cloneRoutes,
  ...snapshotRoutes,
  ...powerRoutes,
  ...agentRoutes,
  ...backupRoutes,
  ...vzdumpRoutes,
  ...poolRoutes,
  ...loginRoutes,
  ...userRoutes,
  ...tokenRoutes,
  ...roleRoutes,
];

const prefix = "/api2/json";

export interface ServerOptions extends ListenOptions {
  /** Told of every call with its answer. */
  readonly onExchange?: ((exchange: Exchange) => void) | undefined;
}

/** Starts the API of a simulated cluster. Closing it leaves guests running. */
export async function startServer(sim: Simulator, options: ServerOptions): Promise<RunningServer> {
  const server = await createServer(options);
  server.removeAllContentTypeParsers();
  server.addContentTypeParser("application/x-www-form-urlencoded", { parseAs: "string" }, (_, body, done) => {
    done(null, fromForm(String(body)));
  });
  server.addContentTypeParser("application/json", { parseAs: "string" }, (_, body, done) => {
    try {
      done(null, body === "" ? {} : JSON.parse(String(body)));
    } catch {
      done(new ApiError(400, "unable to parse JSON body"));
    }
  });
  server.setErrorHandler((error, _, reply) => sendError(reply, error));
  server.setNotFoundHandler((request, reply) => {
    const path = request.url.split("?")[0]?.replace(prefix, "") ?? "";
    sendError(reply, new ApiError(501, `Method '${request.method} ${path}' not implemented`));
  });
  if (options.onExchange) {
    observeExchanges(server, { parametersOf: inputOf, observe: options.onExchange });
  }
  installFaults(server, { authorize: (request) => requestCaller(sim, request).require("/", ["Sys.Modify"]) });
  for (const route of apiRoutes) addRoute(server, sim, route);
  addNodeRoutes(server, sim);
  await server.register((scope, _, done) => {
    addSnippetRoutes(scope, sim);
    done();
  });
  const running = await listen(server, options);
  return {
    ...running,
    close: async () => {
      await running.close();
      await sim.tasks.settle();
    },
  };
}

function addRoute(server: FastifyInstance, sim: Simulator, route: Route): void {
  // A volume id may contain slashes, written as they are or encoded.
  const url = prefix + route.path.replace("{volume}", "*").replaceAll(/\{([^}]+)\}/g, ":$1");
  server.route({
    method: route.method,
    url,
    handler: async (request, reply) => {
      const caller = route.world ? nobody : requestCaller(sim, request);
      const data = await route.handle({ sim, caller }, inputOf(request));
      const body = data instanceof Page ? { data: data.data, total: data.total } : { data };
      return reply.type("application/json;charset=UTF-8").send(JSON.stringify(body));
    },
  });
}

/** Path, query and body are one set of parameters to the product. */
function inputOf(request: FastifyRequest): Record<string, unknown> {
  const { "*": volume, ...path } = request.params as Record<string, string>;
  const body = typeof request.body === "object" && request.body !== null ? request.body : {};
  const query = request.url.includes("?") ? fromForm(request.url.slice(request.url.indexOf("?") + 1)) : {};
  return { ...query, ...body, ...path, ...(volume === undefined ? {} : { volume }) };
}

/** Form fields; one that is given more than once is a list. */
function fromForm(text: string): Record<string, unknown> {
  const form = new URLSearchParams(text);
  return Object.fromEntries(
    [...new Set(form.keys())].map((key) => {
      const values = form.getAll(key);
      return [key, values.length === 1 ? values[0] : values];
    }),
  );
}

function sendError(reply: FastifyReply, error: unknown): void {
  const known = error instanceof ApiError ? error : unexpected(error);
  reply.raw.statusMessage = known.message.replaceAll(/[^\x20-\x7e]+/g, " ");
  void reply
    .code(known.status)
    .type("application/json;charset=UTF-8")
    .send(
      JSON.stringify({
        data: null,
        message: `${known.message}\n`,
        ...(known.errors === undefined ? {} : { errors: known.errors }),
      }),
    );
}

function unexpected(error: unknown): ApiError {
  const message = error instanceof Error ? error.message : String(error);
  const status = error instanceof Error && "statusCode" in error ? Number(error.statusCode) : 500;
  return new ApiError(Number.isInteger(status) && status >= 400 ? status : 500, message);
}

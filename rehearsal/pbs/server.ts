import { isAbsolute, join, normalize } from "node:path";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Exchange } from "../lib/api-check.ts";
import { observeExchanges } from "../lib/exchanges.ts";
import { type Faults, installFaults } from "../lib/faults.ts";
import { createServer, type ListenOptions, listen, type RunningServer } from "../lib/server.ts";
import { addBackupRoutes } from "./backup-server.ts";
import { removeUnfinished } from "./backup-session.ts";
import { ApiError } from "./errors.ts";
import { runDue } from "./job-runs.ts";
import { type Values, verifyParameters } from "./parameters.ts";
import { Access, type AdminTokens, userOf } from "./permissions.ts";
import type { Route, Server } from "./route.ts";
import { acl } from "./routes/acl.ts";
import { admin } from "./routes/admin.ts";
import { datastores } from "./routes/datastore.ts";
import { groups } from "./routes/groups.ts";
import { jobs } from "./routes/jobs.ts";
import { login } from "./routes/login.ts";
import { namespaces } from "./routes/namespace.ts";
import { notifications } from "./routes/notifications.ts";
import { objects } from "./routes/objects.ts";
import { runs } from "./routes/runs.ts";
import { snapshots } from "./routes/snapshots.ts";
import { users } from "./routes/users.ts";
import { Store } from "./state.ts";
import { Tasks } from "./tasks.ts";

export interface SimulatorOptions extends ListenOptions {
  /** Everything that the server keeps: `state.json`, `tasks/`, and below `root/` the folders of its datastores. */
  readonly stateFolder: string;
  readonly adminTokens: AdminTokens;
  /** The clock of schedules and of the age of chunks. Default: the machine's. */
  readonly now?: () => Date;
  /** How often due jobs are looked for, in seconds; 0 for never. Default 60, as in the product. */
  readonly scheduleSeconds?: number;
  /** Told of every authenticated call before it is checked further; may delay it. */
  readonly onCall?: (call: Call) => void | Promise<void>;
  /** Told of every call with its answer. */
  readonly onExchange?: ((exchange: Exchange) => void) | undefined;
}

/** A call as a client made it. */
export interface Call {
  readonly method: string;
  /** As in the API's description. */
  readonly path: string;
  readonly parameters: Readonly<Record<string, readonly unknown[]>>;
}

export interface Simulator extends RunningServer {
  /** Starts the jobs that are due by the server's clock, as the server does every minute. */
  runDue(): Promise<void>;
  /** What goes wrong with the next calls; over the network only for the admin tokens, at `/sim/faults`. */
  readonly faults: Faults;
  readonly store: Store;
  readonly tasks: Tasks;
}

/** Every call that the simulated server knows. */
export const routes: readonly Route[] = [
  ...admin,
  ...snapshots,
  ...datastores,
  ...namespaces,
  ...groups,
  ...jobs,
  ...runs,
  ...objects,
  ...notifications,
  ...login,
  ...users,
  ...acl,
];

/** Starts a simulated Proxmox Backup Server. */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const store = await Store.open(options.stateFolder);
  const tasks = await Tasks.open(join(options.stateFolder, "tasks"));
  const access = new Access(() => store.state, options.adminTokens, options.now);
  const root = join(options.stateFolder, "root");
  const server: Server = {
    store,
    tasks,
    access,
    writers: new Map(),
    now: options.now ?? (() => new Date()),
    localPath: (path) => localPath(root, path),
  };

  const app = await createServer(options);
  acceptBodies(app);
  if (options.onExchange) {
    observeExchanges(app, {
      parametersOf: (request) => single(givenParameters(request)),
      nameInPath: originalName,
      observe: options.onExchange,
    });
  }
  const faults = installFaults(app, {
    authorize: (request) => access.requireAdmin(request.headers.authorization),
  });
  for (const route of routes) {
    app.route({
      method: route.method,
      url: `/api2/json${route.path.replace(/\{([^}]+)\}/g, (_, name: string) => `:${colonName(name)}`)}`,
      handler: async (request) => {
        const caller = route.world ? "" : access.caller(request);
        const given = givenParameters(request);
        await options.onCall?.({ method: route.method, path: route.path, parameters: given });
        const values = verifyParameters(route.parameters, given);
        requirePermission(access, route, values, caller);
        return route.run(server, values, caller);
      },
    });
  }
  addBackupRoutes(app, server);
  app.setNotFoundHandler(async (request) => {
    access.caller(request);
    throw new ApiError(404, `Path '${request.url.split("?")[0]}' not found.`);
  });
  app.setErrorHandler(async (error: Error & { statusCode?: number }, _request, reply) => {
    const status = error instanceof ApiError ? error.status : (error.statusCode ?? 400);
    return reply.code(status).type("application/json;charset=UTF-8").serializer(String).send(error.message);
  });
  for (const { path } of Object.values(store.state.datastore))
    await removeUnfinished(server.localPath(String(path)));
  const running = await listen(app, options);
  const due = () => runDue(server);
  const seconds = options.scheduleSeconds ?? 60;
  const timer = seconds > 0 ? setInterval(() => void due().catch(warn), seconds * 1000) : undefined;
  return {
    ...running,
    runDue: due,
    faults,
    store,
    tasks,
    async close() {
      clearInterval(timer);
      await running.close();
      await tasks.idle();
    },
  };
}

function warn(error: unknown): void {
  process.stderr.write(`jobs could not be started: ${String(error)}\n`);
}

function acceptBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/x-www-form-urlencoded", { parseAs: "string" }, (_, body, done) =>
    done(null, grouped(new URLSearchParams(String(body)))),
  );
  app.addContentTypeParser("application/json", { parseAs: "string" }, (_, body, done) => {
    try {
      const entries = Object.entries(JSON.parse(String(body) || "{}") as Record<string, unknown>);
      done(
        null,
        Object.fromEntries(entries.map(([name, value]) => [name, Array.isArray(value) ? value : [value]])),
      );
    } catch (error) {
      done(new ApiError(400, `unable to parse parameters: ${String(error)}`));
    }
  });
  app.addContentTypeParser("*", (request, _, done) =>
    done(new ApiError(400, `unsupported content type ${JSON.stringify(request.headers["content-type"])}`)),
  );
}

function givenParameters(request: FastifyRequest): Record<string, unknown[]> {
  const query = grouped(new URLSearchParams(request.url.split("?")[1] ?? ""));
  const body = (request.body ?? {}) as Record<string, unknown[]>;
  const inPath = Object.entries(request.params as Record<string, string>);
  const all: Record<string, unknown[]> = { ...query };
  for (const [name, list] of Object.entries(body)) all[name] = [...(all[name] ?? []), ...list];
  for (const [name, value] of inPath) all[originalName(name)] = [value];
  return all;
}

function single(given: Readonly<Record<string, readonly unknown[]>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(given).map(([name, list]) => [name, list.length === 1 ? list[0] : list]),
  );
}

function grouped(form: URLSearchParams): Record<string, unknown[]> {
  return Object.fromEntries([...new Set(form.keys())].map((name) => [name, form.getAll(name)]));
}

// The router takes no hyphens in the names of parameters.
function colonName(name: string): string {
  return name.replaceAll("-", "_");
}

function originalName(name: string): string {
  return name.replaceAll("_", "-");
}

function requirePermission(access: Access, { permission }: Route, values: Values, caller: string): void {
  if (!permission) return;
  const path = permission.path.map((part) =>
    part.startsWith("{") ? String(values[part.slice(1, -1)]) : part,
  );
  if (access.has(caller, path, [permission.privilege])) return;
  if (permission.orSelf && values[permission.orSelf] === userOf(caller)) return;
  throw new ApiError(403, "permission check failed");
}

function localPath(root: string, path: string): string {
  const clean = normalize(path);
  if (!isAbsolute(clean)) throw new ApiError(400, `path '${path}' is not absolute`);
  return join(root, clean);
}

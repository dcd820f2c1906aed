import { createHash, timingSafeEqual } from "node:crypto";
import { join } from "node:path";
import { createServer, type ListenOptions, listen, type RunningServer } from "../lib/server.ts";
import { type StoredDashboard, serveDashboards } from "./dashboards.ts";
import { type StoredDataSource, serveDataSources } from "./datasources.ts";
import { type Folder, serveFolders } from "./folders.ts";
import { openCollection } from "./store.ts";

/** How the store listens and where it keeps its files. */
export interface GrafanaOptions extends ListenOptions {
  folder: string;
  /** The service-account token that every call but /api/health needs. */
  token: string;
}

/**
 * Answers the calls of Grafana's HTTP API that providers make for folders, data sources and dashboards. It keeps
 * them as JSON files: `folders/`, `datasources/` and `dashboards/`, one file each. Any other path is a 404.
 */
export async function startGrafana(options: GrafanaOptions): Promise<RunningServer> {
  const dashboards = await openCollection<StoredDashboard>(join(options.folder, "dashboards"));
  const sources = await openCollection<StoredDataSource>(join(options.folder, "datasources"));
  const folders = await openCollection<Folder>(join(options.folder, "folders"));
  const server = await createServer({ bodyLimitBytes: 20 << 20, ...options });
  // Clients announce JSON with every call, also where a call has no body.
  server.addContentTypeParser("application/json", { parseAs: "string" }, (_request, text, done) => {
    try {
      done(null, text === "" ? undefined : JSON.parse(String(text)));
    } catch {
      done(Object.assign(new Error("the body is not JSON"), { statusCode: 400 }));
    }
  });
  server.addHook("onRequest", async (request, reply) => {
    if (request.url === "/api/health") return;
    const given = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
    if (!sameSecret(given, options.token)) return reply.code(401).send({ message: "Unauthorized" });
  });
  // Two saves at once would both read the old version.
  let queue: Promise<unknown> = Promise.resolve();
  server.addHook("preHandler", async (request, reply) => {
    if (request.method === "GET") return;
    const before = queue;
    queue = new Promise<void>((resolve) => reply.raw.once("close", resolve));
    await before;
  });
  server.get("/api/health", () => ({ database: "ok" }));
  serveFolders(server, folders, dashboards);
  serveDataSources(server, sources);
  serveDashboards(server, dashboards, folders);
  return listen(server, options);
}

function sameSecret(given: string, wanted: string): boolean {
  const hash = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(given), hash(wanted));
}

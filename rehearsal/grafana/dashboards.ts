import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { Folder } from "./folders.ts";
import { type Collection, newUid, uidPattern } from "./store.ts";

/** A dashboard as it is kept. */
export interface StoredDashboard {
  id: number;
  uid: string;
  /** 1 for a new one, one more with each save. */
  version: number;
  folderUid: string;
  message: string;
  created: string;
  updated: string;
  model: Record<string, unknown>;
}

const saveSchema = z.strictObject({
  dashboard: z.looseObject({
    id: z.int().nullish(),
    uid: z.string().regex(uidPattern).nullish(),
    title: z.string().min(1, "Dashboard title cannot be empty"),
    version: z.int().nullish(),
  }),
  folderUid: z.string().optional(),
  folderId: z.int().optional(),
  message: z.string().default(""),
  overwrite: z.boolean().default(false),
});

/** `/api/dashboards/…` and `/api/search`, with Grafana's version check. */
export function serveDashboards(
  server: FastifyInstance,
  dashboards: Collection<StoredDashboard>,
  folders: Collection<Folder>,
): void {
  server.post("/api/dashboards/db", async (request, reply) => {
    const parsed = saveSchema.safeParse(request.body);
    if (!parsed.success) return reply.code(400).send({ message: z.prettifyError(parsed.error) });
    const { dashboard, folderUid = "", message, overwrite } = parsed.data;
    if (folderUid !== "" && (await folders.get(folderUid)) === undefined) {
      return reply.code(400).send({ message: "folder not found" });
    }
    const all = await dashboards.all();
    const current = all.find((each) => each.uid === dashboard.uid || each.id === dashboard.id);
    if (current === undefined && typeof dashboard.id === "number" && dashboard.id > 0) {
      return reply.code(404).send({ message: "Dashboard not found", status: "not-found" });
    }
    if (current !== undefined && !overwrite && dashboard.version !== current.version) {
      return reply.code(412).send({
        message: "The dashboard has been changed by someone else",
        status: "version-mismatch",
      });
    }
    const now = new Date().toISOString();
    const saved: StoredDashboard = {
      id: current?.id ?? Math.max(0, ...all.map((each) => each.id)) + 1,
      uid: current?.uid ?? dashboard.uid ?? newUid(),
      version: (current?.version ?? 0) + 1,
      folderUid,
      message,
      created: current?.created ?? now,
      updated: now,
      model: dashboard,
    };
    saved.model = { ...dashboard, id: saved.id, uid: saved.uid, version: saved.version };
    await dashboards.put(saved.uid, saved);
    const { id, uid, version } = saved;
    return { id, uid, version, status: "success", slug: slugOf(saved), url: urlOf(saved), folderUid };
  });

  server.get<{ Params: { uid: string } }>("/api/dashboards/uid/:uid", async (request, reply) => {
    const found = await dashboards.get(request.params.uid);
    if (found === undefined) return reply.code(404).send({ message: "Dashboard not found" });
    const folder = await folders.get(found.folderUid);
    const { version, folderUid, created, updated } = found;
    const meta = { type: "db", slug: slugOf(found), url: urlOf(found), version, created, updated, folderUid };
    return { meta: { ...meta, folderTitle: folder?.title ?? "General" }, dashboard: found.model };
  });

  server.delete<{ Params: { uid: string } }>("/api/dashboards/uid/:uid", async (request, reply) => {
    const found = await dashboards.get(request.params.uid);
    if (found === undefined) return reply.code(404).send({ message: "Dashboard not found" });
    await dashboards.remove(found.uid);
    return { title: found.model.title, message: `Dashboard ${found.model.title} deleted`, uid: found.uid };
  });

  server.get("/api/search", async () =>
    (await dashboards.all()).map((each) => ({
      id: each.id,
      uid: each.uid,
      title: each.model.title,
      url: urlOf(each),
      type: "dash-db",
      tags: each.model.tags ?? [],
      folderUid: each.folderUid,
    })),
  );
}

function slugOf({ model }: StoredDashboard): string {
  return String(model.title)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
}

function urlOf(dashboard: StoredDashboard): string {
  return `/d/${dashboard.uid}/${slugOf(dashboard)}`;
}

import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { StoredDashboard } from "./dashboards.ts";
import { type Collection, newUid, uidPattern } from "./store.ts";

/** A folder as it is kept and answered. */
export interface Folder {
  id: number;
  uid: string;
  title: string;
  parentUid?: string;
  url: string;
  version: number;
}

const createSchema = z.strictObject({
  uid: z.string().regex(uidPattern).optional(),
  title: z.string().min(1),
  parentUid: z.string().optional(),
});
const updateSchema = z.strictObject({
  title: z.string().min(1),
  version: z.int().optional(),
  overwrite: z.boolean().default(false),
  description: z.string().optional(),
});

/** `/api/folders`. Deleting a folder deletes the dashboards in it, as in Grafana. */
export function serveFolders(
  server: FastifyInstance,
  folders: Collection<Folder>,
  dashboards: Collection<StoredDashboard>,
): void {
  server.get("/api/folders", () => folders.all());

  server.post("/api/folders", async (request, reply) => {
    const parsed = createSchema.safeParse(request.body);
    if (!parsed.success) return reply.code(400).send({ message: z.prettifyError(parsed.error) });
    const { uid = newUid(), title, parentUid } = parsed.data;
    const all = await folders.all();
    if (all.some((folder) => folder.uid === uid)) {
      return reply
        .code(409)
        .send({ message: "a folder with the same uid already exists in the organization" });
    }
    if (parentUid !== undefined && !all.some((folder) => folder.uid === parentUid)) {
      return reply.code(400).send({ message: "parent folder not found" });
    }
    const id = Math.max(0, ...all.map((folder) => folder.id)) + 1;
    const parent = parentUid === undefined ? {} : { parentUid };
    const folder = { id, uid, title, ...parent, url: `/dashboards/f/${uid}`, version: 1 };
    await folders.put(uid, folder);
    return folder;
  });

  server.get<{ Params: { uid: string } }>("/api/folders/:uid", async (request, reply) => {
    const folder = await folders.get(request.params.uid);
    return folder ?? reply.code(404).send({ message: "folder not found" });
  });

  server.put<{ Params: { uid: string } }>("/api/folders/:uid", async (request, reply) => {
    const parsed = updateSchema.safeParse(request.body);
    if (!parsed.success) return reply.code(400).send({ message: z.prettifyError(parsed.error) });
    const folder = await folders.get(request.params.uid);
    if (folder === undefined) return reply.code(404).send({ message: "folder not found" });
    const { title, version, overwrite } = parsed.data;
    if (!overwrite && version !== folder.version) {
      return reply
        .code(412)
        .send({ message: "the folder has been changed by someone else", status: "version-mismatch" });
    }
    const changed = { ...folder, title, version: folder.version + 1 };
    await folders.put(folder.uid, changed);
    return changed;
  });

  server.delete<{ Params: { uid: string } }>("/api/folders/:uid", async (request, reply) => {
    const folder = await folders.get(request.params.uid);
    if (folder === undefined) return reply.code(404).send({ message: "folder not found" });
    for (const dashboard of await dashboards.all()) {
      if (dashboard.folderUid === folder.uid) await dashboards.remove(dashboard.uid);
    }
    await folders.remove(folder.uid);
    return { id: folder.id, title: folder.title, message: `Folder ${folder.title} deleted` };
  });
}

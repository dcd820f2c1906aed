import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { type Collection, newUid, uidPattern } from "./store.ts";

const inputSchema = z.strictObject({
  uid: z.string().regex(uidPattern).optional(),
  name: z.string().min(1),
  type: z.string().min(1),
  access: z.enum(["proxy", "direct"]),
  url: z.string().default(""),
  user: z.string().default(""),
  database: z.string().default(""),
  basicAuth: z.boolean().default(false),
  basicAuthUser: z.string().default(""),
  isDefault: z.boolean().default(false),
  jsonData: z.record(z.string(), z.unknown()).default({}),
  secureJsonData: z.record(z.string(), z.string()).default({}),
  version: z.int().optional(),
});

/** A data source as it is kept and answered: which secrets are set, never what they are. */
export interface StoredDataSource
  extends Omit<z.infer<typeof inputSchema>, "secureJsonData" | "uid" | "version"> {
  id: number;
  uid: string;
  orgId: number;
  version: number;
  readOnly: boolean;
  secureJsonFields: Record<string, true>;
}

/** `/api/datasources`. At most one is the default. */
export function serveDataSources(server: FastifyInstance, sources: Collection<StoredDataSource>): void {
  const save = async (
    input: z.infer<typeof inputSchema>,
    current: StoredDataSource | undefined,
    id: number,
  ) => {
    const { secureJsonData, uid, ...rest } = input;
    const set = Object.fromEntries(Object.keys(secureJsonData).map((key) => [key, true as const]));
    const saved: StoredDataSource = {
      ...rest,
      id,
      uid: current?.uid ?? uid ?? newUid(),
      orgId: 1,
      version: (current?.version ?? 0) + 1,
      readOnly: false,
      // Secrets that an update does not mention stay as they are.
      secureJsonFields: { ...current?.secureJsonFields, ...set },
    };
    await sources.put(saved.uid, saved);
    if (saved.isDefault) {
      for (const other of await sources.all()) {
        if (other.isDefault && other.uid !== saved.uid)
          await sources.put(other.uid, { ...other, isDefault: false });
      }
    }
    return saved;
  };

  server.get("/api/datasources", () => sources.all());

  server.post("/api/datasources", async (request, reply) => {
    const parsed = inputSchema.safeParse(request.body);
    if (!parsed.success) return reply.code(400).send({ message: z.prettifyError(parsed.error) });
    const all = await sources.all();
    if (all.some(({ name, uid }) => name === parsed.data.name || uid === parsed.data.uid)) {
      return reply.code(409).send({ message: "data source with the same name or uid already exists" });
    }
    const id = Math.max(0, ...all.map((each) => each.id)) + 1;
    const saved = await save(parsed.data, undefined, id);
    return { id, name: saved.name, message: "Datasource added", datasource: saved };
  });

  server.get<{ Params: { uid: string } }>("/api/datasources/uid/:uid", async (request, reply) => {
    const found = await sources.get(request.params.uid);
    return found ?? reply.code(404).send({ message: "Data source not found" });
  });

  server.put<{ Params: { uid: string } }>("/api/datasources/uid/:uid", async (request, reply) => {
    const parsed = inputSchema.safeParse(request.body);
    if (!parsed.success) return reply.code(400).send({ message: z.prettifyError(parsed.error) });
    const current = await sources.get(request.params.uid);
    if (current === undefined) return reply.code(404).send({ message: "Data source not found" });
    if (parsed.data.version !== undefined && parsed.data.version !== current.version) {
      return reply.code(409).send({ message: "Datasource has already been updated by someone else" });
    }
    const saved = await save(parsed.data, current, current.id);
    return { id: saved.id, name: saved.name, message: "Datasource updated", datasource: saved };
  });

  server.delete<{ Params: { uid: string } }>("/api/datasources/uid/:uid", async (request, reply) => {
    const found = await sources.get(request.params.uid);
    if (found === undefined) return reply.code(404).send({ message: "Data source not found" });
    await sources.remove(found.uid);
    return { id: found.id, message: "Data source deleted" };
  });
}

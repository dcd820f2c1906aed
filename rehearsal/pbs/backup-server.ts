import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { chunkBytes, encryptionOverheadBytes, type SnapshotKey, snapshotName } from "./archive.ts";
import { type BegunBackup, beginBackup } from "./backup-session.ts";
import { DamagedChunk, readChunk } from "./chunks.ts";
import { ApiError, parameterError } from "./errors.ts";
import { chunkFrame, faultFrame } from "./frames.ts";
import { type OpenStore, openGroup } from "./groups.ts";
import type { Server } from "./route.ts";
import { findSnapshot, readIndex, type Snapshot } from "./snapshots.ts";

const snapshot = z.strictObject({
  store: z.string(),
  ns: z.string().default(""),
  "backup-type": z.enum(["vm", "ct", "host"]),
  "backup-id": z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/),
  "backup-time": z.int().positive(),
});
const digest = z.string().regex(/^[a-f0-9]{64}$/);
const index = z.strictObject({ filename: z.string(), size: z.int().min(0), digests: z.array(digest) });
const fileName = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/);
const manifest = z.strictObject({
  "backup-type": z.string(),
  "backup-id": z.string(),
  "backup-time": z.int(),
  files: z.array(
    z.strictObject({
      filename: fileName,
      size: z.int().min(0),
      csum: digest,
      "crypt-mode": z.enum(["none", "encrypt"]),
    }),
  ),
  signature: z.string().exactOptional(),
  unprotected: z.strictObject({
    notes: z.string().exactOptional(),
    "key-fingerprint": z.string().exactOptional(),
  }),
});

/** Largest list of chunks or blob that a client may send: an archive of about 1 TB. */
const largeBodyBytes = 32 << 20;

/**
 * The simulators' stand-in for the product's backup and reader protocols, below `/sim`. A backup lives as long as the
 * connection on which it began: when that is cut, so is the backup.
 */
export function addBackupRoutes(app: FastifyInstance, server: Server): void {
  const running = new Map<string, BegunBackup & { readonly caller: string }>();
  const callerOf = (request: FastifyRequest) => server.access.authenticate(request.headers.authorization);
  const find = (request: FastifyRequest): BegunBackup => {
    const backup = running.get((request.params as { id: string }).id);
    if (!backup || backup.caller !== callerOf(request)) throw new ApiError(404, "no such backup");
    return backup;
  };
  const begin = async (request: FastifyRequest, reply: FastifyReply) => {
    const caller = callerOf(request);
    const begun = await beginBackup(server, parse(snapshot, request.body), caller);
    running.set(begun.writer.id, { ...begun, caller });
    reply.hijack();
    reply.raw.on("close", () => begun.end(false));
    reply.raw.on("error", () => undefined);
    begun.signal.addEventListener("abort", () => request.raw.socket.destroy(), { once: true });
    reply.raw.writeHead(200, { "content-type": "application/json", connection: "close" });
    const { upid, previous } = begun;
    reply.raw.write(`${JSON.stringify({ id: begun.writer.id, upid, previous })}\n`);
    await begun.ended;
    running.delete(begun.writer.id);
    reply.raw.end();
  };

  app.addHook("preClose", async () => {
    for (const backup of running.values()) backup.end(false);
  });
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("application/json", { parseAs: "string" }, (_, body, done) => {
      try {
        done(null, JSON.parse(String(body)));
      } catch {
        done(new ApiError(400, "unable to parse the JSON body"));
      }
    });
    scope.addContentTypeParser("application/octet-stream", { parseAs: "buffer" }, (_, body, done) =>
      done(null, body),
    );
    const large = { bodyLimit: largeBodyBytes };
    scope.post("/sim/backup", begin);
    scope.post(
      "/sim/backup/:id/chunk/:digest",
      { bodyLimit: chunkBytes + encryptionOverheadBytes },
      async (request) => {
        await find(request).writer.addChunk(parse(digest, last(request)), bytesOf(request));
        return { data: null };
      },
    );
    scope.post("/sim/backup/:id/index", large, async (request) => {
      const { filename, ...content } = parse(index, request.body);
      return { data: await find(request).writer.addIndex(filename, content) };
    });
    scope.post("/sim/backup/:id/blob/:name", large, async (request) => ({
      data: await find(request).writer.addBlob(parse(fileName, last(request)), bytesOf(request)),
    }));
    scope.post("/sim/backup/:id/finish", async (request) => {
      const backup = find(request);
      await backup.writer.finish(parse(manifest, request.body));
      backup.end(true);
      await backup.ended;
      return { data: null };
    });
    scope.delete("/sim/backup/:id", async (request) => {
      const backup = find(request);
      backup.end(false);
      await backup.ended;
      return { data: null };
    });
    scope.post("/sim/reader/file/:name", async (request, reply) => {
      const { found } = await openSnapshot(server, parse(snapshot, request.body), callerOf(request));
      const path = join(found.folder, parse(fileName, last(request)));
      return reply.type("application/octet-stream").send(await readFile(path).catch(noFile));
    });
    scope.post("/sim/reader/chunks/:name", large, async (request, reply) => {
      const { digests: wanted, ...key } = parse(wantedChunks, request.body);
      const { store, found } = await openSnapshot(server, key, callerOf(request));
      const name = parse(fileName, last(request));
      const { digests } = await readIndex(found, name).catch(noFile);
      const listed = new Set(digests);
      const foreign = wanted?.find((one) => !listed.has(one));
      if (foreign) throw new ApiError(400, `download chunk ${foreign} is not allowed`);
      const content = Readable.from(frames(store, wanted ?? digests), { objectMode: false });
      return reply.type("application/octet-stream").send(content);
    });
  });
}

const wantedChunks = snapshot.extend({ digests: z.array(digest).exactOptional() });

/** The chunks in order. What is wrong with one is told at its place. */
async function* frames(store: OpenStore, digests: readonly string[]): AsyncGenerator<Buffer> {
  for (const one of digests) {
    try {
      yield* chunkFrame(await readChunk(store.root, one));
    } catch (error) {
      if (!(error instanceof DamagedChunk)) throw error;
      return yield faultFrame(error.message);
    }
  }
}

async function openSnapshot(
  server: Server,
  request: z.infer<typeof snapshot>,
  caller: string,
): Promise<{ store: OpenStore; found: Snapshot }> {
  const store = await openGroup(server, request, caller, ["Datastore.Read"], ["Datastore.Backup"]);
  const found = await findSnapshot(store.root, request.ns, keyOf(request));
  if (!found) throw new ApiError(404, `snapshot ${snapshotName(request)} does not exist.`);
  return { store, found };
}

function keyOf({ "backup-type": type, "backup-id": id, "backup-time": time }: SnapshotKey) {
  return { type, id, time };
}

function noFile(): never {
  throw new ApiError(404, "no such file");
}

function last(request: FastifyRequest): string {
  return Object.values(request.params as Record<string, string>).at(-1) ?? "";
}

function bytesOf(request: FastifyRequest): Buffer {
  return Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
}

function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw parameterError(parsed.error.issues.map(({ path, message }) => [path.join("."), message]));
}

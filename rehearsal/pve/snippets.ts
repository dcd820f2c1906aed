import { createHash } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { writeFileAtomic } from "../lib/files.ts";
import { requestCaller } from "./request-caller.ts";
import { nodeOf, type Simulator } from "./simulator.ts";
import { fileOfVolume, filePath, requireContent, storageOf } from "./volumes.ts";

const url = "/sim/nodes/:node/snippets/:storage/:file";

interface Place {
  node: string;
  storage: string;
  file: string;
}

/**
 * Snippets as files: PUT (raw body), GET and DELETE. The product's API cannot upload them, so real providers
 * copy them to the node over SSH; this is the simulated node's stand-in for that.
 */
export function addSnippetRoutes(server: FastifyInstance, sim: Simulator): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser("*", { parseAs: "buffer" }, (_, body, done) => done(null, body));

  server.put<{ Params: Place }>(url, async (request) => {
    const { node, storage, file } = permitted(sim, request);
    requireContent(storage, storageOf(sim, storage, node), "snippets");
    const content = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    await writeFileAtomic(filePath(sim, node, storage, "snippets", file), content, { mode: 0o600 });
    const sha256 = createHash("sha256").update(content).digest("hex");
    return { data: { volid: `${storage}:snippets/${file}`, size: content.length, sha256 } };
  });
  server.get<{ Params: Place }>(url, async (request, reply) => {
    const { node, storage, file } = permitted(sim, request);
    const path = await fileOfVolume(sim, node, `${storage}:snippets/${file}`);
    return reply.type("application/octet-stream").send(await readFile(path));
  });
  server.delete<{ Params: Place }>(url, async (request) => {
    const { node, storage, file } = permitted(sim, request);
    await rm(await fileOfVolume(sim, node, `${storage}:snippets/${file}`));
    return { data: null };
  });
}

function permitted(sim: Simulator, request: FastifyRequest<{ Params: Place }>): Place {
  const caller = requestCaller(sim, request);
  const place = request.params;
  nodeOf(sim, place.node);
  caller.require(`/storage/${place.storage}`, ["Datastore.AllocateTemplate"]);
  return place;
}

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { createServer, type ListenOptions, listen, type RunningServer } from "../lib/server.ts";
import { readIndex } from "./registry.ts";

/**
 * Serves the registered files of a folder, and `/index.json`. Nothing else of the folder can be reached.
 * Answers byte ranges and `If-None-Match`; the ETag is the SHA-256.
 */
export async function startMirror(options: ListenOptions & { folder: string }): Promise<RunningServer> {
  const server = await createServer(options);
  server.get("/index.json", () => readIndex(options.folder));
  server.get<{ Params: { name: string } }>("/:name", async (request, reply) => {
    const { name } = request.params;
    const index = await readIndex(options.folder);
    const entry = Object.hasOwn(index, name) ? index[name] : undefined;
    if (entry === undefined) {
      return reply.code(404).send({ error: `${name} is not mirrored; /index.json lists what is` });
    }
    const path = join(options.folder, entry.file);
    const { size } = await stat(path);
    if (size !== entry.sizeBytes) {
      return reply.code(500).send({ error: `${name} has ${size} bytes, registered were ${entry.sizeBytes}` });
    }
    const etag = `"${entry.sha256}"`;
    reply
      .header("etag", etag)
      .header("accept-ranges", "bytes")
      .header("content-type", "application/octet-stream");
    if (request.headers["if-none-match"]?.includes(etag)) return reply.code(304).send();
    const condition = request.headers["if-range"];
    const asked = condition === undefined || condition === etag ? request.headers.range : undefined;
    const range = parseRange(asked, size);
    if (range === "unsatisfiable") {
      return reply.code(416).header("content-range", `bytes */${size}`).send();
    }
    const { first, last } = range ?? { first: 0, last: size - 1 };
    if (range !== undefined) reply.code(206).header("content-range", `bytes ${first}-${last}/${size}`);
    reply.header("content-length", last - first + 1);
    if (size === 0) return reply.send("");
    return reply.send(createReadStream(path, { start: first, end: last }));
  });
  return listen(server, options);
}

/** The one byte range that a header asks for; undefined means the whole file, as for several ranges at once. */
export function parseRange(
  header: string | undefined,
  size: number,
): { first: number; last: number } | "unsatisfiable" | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? "");
  const [, from = "", to = ""] = match ?? [];
  if (match === null || (from === "" && to === "")) return undefined;
  if (from === "") {
    const count = Math.min(Number(to), size);
    return count === 0 ? "unsatisfiable" : { first: size - count, last: size - 1 };
  }
  const first = Number(from);
  const last = to === "" ? size - 1 : Math.min(Number(to), size - 1);
  if (to !== "" && Number(to) < first) return undefined;
  return first >= size ? "unsatisfiable" : { first, last };
}

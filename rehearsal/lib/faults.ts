import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";

const fault = z
  .strictObject({
    method: z.enum(["GET", "POST", "PUT", "DELETE"]).optional(),
    path: z.string().startsWith("/"),
    times: z.int().positive(),
    status: z.int().min(400).max(599).optional(),
    message: z.string().optional(),
    delayMs: z.int().positive().max(600_000).optional(),
    drop: z.enum(["before", "after", "half"]).optional(),
  })
  .refine(
    ({ status, delayMs, drop }) => status !== undefined || delayMs !== undefined || drop !== undefined,
    "a fault needs a status, a delayMs or a drop",
  )
  .refine(
    ({ status, drop }) => status === undefined || drop === undefined,
    "a fault has either a status or a drop: a refused call is answered",
  );

/**
 * Something that goes wrong with the next calls of a path.
 *
 * - `method`: of any method where left out.
 * - `path`: without `/api2/json`; a whole path in which `*` stands for one component's text and `**` for anything, or
 *   the beginning of a path (whole components) where it has no star.
 * - `times`: how many calls it hits; then it is gone.
 * - `status`: the call is refused with this code (and `message`) before anything handles it.
 * - `delayMs`: the call waits so long first.
 * - `drop`: the connection is cut `before` the call acts, `after` it has acted, or in the middle of the answer (`half`).
 */
export type Fault = z.infer<typeof fault>;

export interface FaultOptions {
  /** Throws when the caller must not set faults. */
  authorize(request: FastifyRequest): void;
}

/** The faults of one server. */
export interface Faults {
  add(...faults: readonly Fault[]): void;
  /** What is still to come. */
  list(): readonly Fault[];
  clear(): void;
}

type Drop = NonNullable<Fault["drop"]>;

/**
 * Lets a simulated server fail on demand: `GET`, `POST` (one fault or a list, as JSON) and `DELETE /sim/faults`.
 * A fault acts before the server looks at a call, so nothing else of the server knows of it. Of several that fit, the
 * oldest acts. Install it before the server's own routes.
 */
export function installFaults(app: FastifyInstance, options: FaultOptions): Faults {
  let waiting: Fault[] = [];
  const cuts = new WeakMap<FastifyRequest, Drop>();
  const closing = new AbortController();
  const faults: Faults = {
    add: (...added) => {
      waiting.push(...added.map((one) => fault.parse(one)));
    },
    list: () => waiting,
    clear: () => {
      waiting = [];
    },
  };
  const take = (method: string, path: string): Fault | undefined => {
    const found = waiting.find((one) => (one.method ?? method) === method && pathFits(one.path, path));
    if (!found) return undefined;
    const left = { ...found, times: found.times - 1 };
    waiting = waiting.flatMap((one) => (one !== found ? [one] : left.times > 0 ? [left] : []));
    return found;
  };

  app.addHook("preClose", async () => closing.abort());
  app.addHook("onRequest", async (request, reply) => {
    const path = pathOf(request.url);
    const hit = path === endpoint ? undefined : take(request.method, path);
    if (!hit) return;
    if (hit.delayMs !== undefined) {
      await sleep(hit.delayMs, undefined, { signal: closing.signal }).catch(() => undefined);
    }
    if (hit.drop === "before") return cut(request, reply);
    if (hit.drop !== undefined) cuts.set(request, hit.drop);
    if (hit.status !== undefined) {
      throw Object.assign(new Error(hit.message ?? "injected fault"), {
        status: hit.status,
        statusCode: hit.status,
      });
    }
  });
  app.addHook("onSend", async (request, reply, payload) => {
    const drop = cuts.get(request);
    if (drop === undefined) return payload;
    if (drop === "half") await sendHalf(reply, payload);
    return cut(request, reply);
  });
  app.register(async (scope) => addRoutes(scope, faults, options));
  return faults;
}

const endpoint = "/sim/faults";

function addRoutes(scope: FastifyInstance, faults: Faults, { authorize }: FaultOptions): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser("*", { parseAs: "string" }, (_, text, done) => done(null, text));
  scope.addHook("onRequest", async (request) => authorize(request));
  scope.get(endpoint, () => ({ data: faults.list() }));
  scope.post(endpoint, (request) => {
    const parsed = z.array(fault).safeParse([jsonOf(request.body)].flat());
    if (!parsed.success) {
      throw Object.assign(new Error(`no fault: ${z.prettifyError(parsed.error)}`), { statusCode: 400 });
    }
    faults.add(...parsed.data);
    return { data: faults.list() };
  });
  scope.delete(endpoint, () => {
    faults.clear();
    return { data: null };
  });
}

function jsonOf(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    return undefined;
  }
}

/** Ends the connection without a word; the call stays unanswered, so nothing of it runs any further. */
function cut(request: FastifyRequest, reply: FastifyReply): Promise<never> {
  reply.raw.on("error", () => undefined);
  request.raw.socket.destroy();
  return new Promise(() => undefined);
}

async function sendHalf(reply: FastifyReply, payload: unknown): Promise<void> {
  const whole = await firstOf(payload);
  const length = isStream(payload) ? {} : { "content-length": whole.length };
  reply.raw.writeHead(reply.statusCode, { ...(reply.getHeaders() as Record<string, string>), ...length });
  const half = whole.subarray(0, Math.max(1, Math.floor(whole.length / 2)));
  await new Promise<void>((resolve) => reply.raw.write(half, () => resolve()));
}

async function firstOf(payload: unknown): Promise<Buffer> {
  if (!isStream(payload)) return Buffer.isBuffer(payload) ? payload : Buffer.from(String(payload ?? ""));
  for await (const chunk of payload) return Buffer.from(chunk);
  return Buffer.alloc(0);
}

function isStream(payload: unknown): payload is AsyncIterable<Uint8Array> {
  return (
    typeof payload === "object" &&
    payload !== null &&
    Symbol.asyncIterator in payload &&
    !Buffer.isBuffer(payload)
  );
}

function pathOf(url: string): string {
  const path = (url.split("?")[0] ?? "").replace(/^\/api2\/json(?=\/|$)/, "");
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function pathFits(pattern: string, path: string): boolean {
  if (!pattern.includes("*")) return path === pattern || path.startsWith(`${pattern.replace(/\/$/, "")}/`);
  const source = pattern
    .split(/(\*\*?)/)
    .map((part) =>
      part === "**" ? ".*" : part === "*" ? "[^/]*" : part.replace(/[\\^$.+?()[\]{}|]/g, "\\$&"),
    )
    .join("");
  return new RegExp(`^${source}$`).test(path);
}

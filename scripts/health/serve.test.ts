import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { configSchema } from "../config.ts";
import { serveHealth } from "./serve.ts";

/** A server that takes connections and never says a word. */
let mute: Server;
let sockets: Socket[];
let folder: string;
let ending: AbortController;
let served: Promise<void>;
let url: URL;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "health-"));
  await mkdir(join(folder, "backup"));
  sockets = [];
  mute = createServer((socket) => sockets.push(socket.on("error", () => undefined)));
  await new Promise<void>((resolve) => mute.listen(join(folder, ".s.PGSQL.5432"), resolve));
  ending = new AbortController();
  const config = configSchema.parse({
    cluster: { name: "pg01", socketDirectory: folder, role: "backup" },
    directory: join(folder, "backup"),
    metricsFile: join(folder, "dbkeeper.prom"),
    health: { port: 0, deadlineSeconds: 0.2 },
  });
  url = await new Promise<URL>((resolve, reject) => {
    const event = (...[, name, , facts]: unknown[]) => {
      if (name === "health-serving") resolve(new URL((facts as { url: string }).url));
    };
    const context = { config, report: { event }, signal: ending.signal, now: () => new Date() };
    served = serveHealth(context);
    served.catch(reject);
  });
});

afterEach(async () => {
  ending.abort();
  await served;
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => mute.close(resolve));
  await rm(folder, { recursive: true });
});

const ask = (path: string, method = "GET") => fetch(new URL(path, url), { method });

test("a server that hangs is 503 within the deadline, for all who ask, over one connection", async () => {
  const startedAt = performance.now();
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask("/health/live")));
  expect(performance.now() - startedAt).toBeLessThan(5000);
  for (const answer of answers) {
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({
      state: "failing",
      components: { server: { state: "failing" } },
    });
  }
  expect(sockets.length).toBeLessThanOrEqual(2);
});

test("the host's components answer beside a server that hangs", async () => {
  const { components } = (await (await ask("/health")).json()) as {
    components: Record<string, { state: string; detail: string }>;
  };
  expect(components.server?.state).toBe("failing");
  expect(components.memory?.detail).toMatch(/free$/);
  expect(components.dumps).toMatchObject({ state: "failing", detail: "there is no dump yet" });
});

test("metrics, HEAD, unknown paths and other methods are answered as HTTP says", async () => {
  const metrics = await ask("/metrics");
  expect([metrics.status, await metrics.text()]).toEqual([
    200,
    expect.stringContaining("dbkeeper_backup_directory_free_bytes{"),
  ]);
  const head = await ask("/metrics", "HEAD");
  expect([head.status, await head.text()]).toEqual([200, ""]);
  expect(Number(head.headers.get("content-length"))).toBeGreaterThan(100);
  for (const path of ["/", "/health/", "/health/../config", "/constructor", "/__proto__"])
    expect((await ask(path)).status, path).toBe(404);
  const post = await ask("/health", "POST");
  expect([post.status, post.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
});

test("a client that never ends its request is let go and holds nobody up", async () => {
  const slow = connect(Number(url.port), url.hostname);
  slow.on("error", () => undefined);
  slow.write("GET /metrics HTTP/1.1\r\nHost: x\r\n");
  expect((await ask("/metrics")).status).toBe(200);
  const ended = new Promise((resolve) => slow.once("close", resolve));
  ending.abort();
  await Promise.all([served, ended]);
});

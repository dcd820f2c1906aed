import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Fault, type Faults, installFaults } from "./faults.ts";
import { createServer, listen, type RunningServer } from "./server.ts";

let running: RunningServer;
let faults: Faults;
let handled: string[];

beforeEach(async () => {
  const options = { address: "127.0.0.1", port: 0 };
  const app = await createServer(options);
  handled = [];
  app.setErrorHandler((error: Error & { statusCode?: number }, _, reply) =>
    reply.code(error.statusCode ?? 500).send(error.message),
  );
  faults = installFaults(app, {
    authorize(request) {
      if (request.headers.authorization !== "admin") {
        throw Object.assign(new Error("who are you"), { statusCode: 401 });
      }
    },
  });
  for (const method of ["GET", "POST"] as const) {
    app.route({
      method,
      url: "/api2/json/*",
      handler: (request) => {
        handled.push(`${request.method} ${request.url}`);
        return { data: "x".repeat(1000) };
      },
    });
  }
  running = await listen(app, options);
});
afterEach(() => running.close());

const call = (path: string, init: RequestInit = {}) => fetch(`${running.url}/api2/json${path}`, init);
const sim = (method: string, body?: unknown, authorization = "admin") =>
  fetch(`${running.url}/sim/faults`, {
    method,
    headers: { authorization, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

describe("a fault", () => {
  it("refuses a call as often as it says, before anything handles it", async () => {
    faults.add({ path: "/config/datastore", times: 2, status: 503, message: "come back later" });
    for (let index = 0; index < 2; index++) {
      const answer = await call("/config/datastore/vms?a=1");
      expect([answer.status, await answer.text()]).toEqual([503, "come back later"]);
    }
    expect(handled).toEqual([]);
    expect((await call("/config/datastore")).status).toBe(200);
  });

  it("hits only its method and path", async () => {
    faults.add({ method: "POST", path: "/a/*/c", times: 9, status: 500 });
    expect((await call("/a/b/c")).status).toBe(200);
    expect((await call("/a/b/d/c", { method: "POST" })).status).toBe(200);
    expect((await call("/ab", { method: "POST" })).status).toBe(200);
    expect((await call("/a/b/c", { method: "POST" })).status).toBe(500);
    faults.clear();
    faults.add({ path: "/a/**/z", times: 9, status: 500 });
    expect((await call("/a/b/c/z")).status).toBe(500);
    expect((await call("/a/UPID%3Ax%3A/z")).status).toBe(500);
  });

  it("cuts the connection before the call acts", async () => {
    faults.add({ path: "/", times: 1, drop: "before" });
    await expect(call("/a", { method: "POST" })).rejects.toThrow();
    expect(handled).toEqual([]);
  });

  it("cuts the connection after the call has acted", async () => {
    faults.add({ path: "/a", times: 1, drop: "after" });
    await expect(call("/a", { method: "POST" })).rejects.toThrow();
    expect(handled).toEqual(["POST /api2/json/a"]);
  });

  it("sends half of an answer", async () => {
    faults.add({ path: "/a", times: 1, drop: "half" });
    const answer = await call("/a");
    expect(answer.status).toBe(200);
    const reader = answer.body?.getReader();
    expect((await reader?.read())?.value?.length).toBeGreaterThan(100);
    await expect(reader?.read()).rejects.toThrow();
  });

  it("delays, and does not keep a server that closes from closing", async () => {
    faults.add({ path: "/a", times: 1, delayMs: 30 }, { path: "/b", times: 1, delayMs: 600_000 });
    const begun = performance.now();
    expect((await call("/a")).status).toBe(200);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(29);
    const pending = call("/b").catch((error: unknown) => error);
    while (faults.list().length > 0) await new Promise((resolve) => setImmediate(resolve));
    await running.close();
    await pending;
  });
});

describe("who sets faults", () => {
  const wanted: Fault = { path: "/a", times: 3, status: 500 };

  it("may be asked for, listed and taken back over the interface", async () => {
    expect(await (await sim("POST", [wanted, { path: "/b", times: 1, drop: "half" }])).json()).toEqual({
      data: [wanted, { path: "/b", times: 1, drop: "half" }],
    });
    await call("/a");
    expect(await (await sim("GET")).json()).toMatchObject({ data: [{ times: 2 }, {}] });
    await sim("DELETE");
    expect((await call("/a")).status).toBe(200);
  });

  it("is checked", async () => {
    for (const method of ["GET", "POST", "DELETE"]) {
      const answer = await sim(method, method === "POST" ? wanted : undefined, "nobody");
      expect([answer.status, await answer.text()]).toEqual([401, "who are you"]);
    }
    expect(faults.list()).toEqual([]);
  });

  it.each<[string, unknown, RegExp]>([
    ["no path", { times: 1, status: 500 }, /path/],
    ["no effect", { path: "/a", times: 1 }, /a status, a delayMs or a drop/],
    ["both", { path: "/a", times: 1, status: 500, drop: "half" }, /either a status or a drop/],
    ["an unknown name", { path: "/a", times: 1, status: 500, often: 1 }, /often/],
    ["no JSON", undefined, /no fault/],
  ])("is told of %s", async (_, body, message) => {
    const answer = await sim("POST", body);
    expect(answer.status).toBe(400);
    expect(await answer.text()).toMatch(message);
  });
});

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { callLogVariable, openCallLog, readCallLog, withoutSecrets } from "./call-log.ts";
import { observeExchanges } from "./exchanges.ts";
import { createServer } from "./server.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lab-calls-"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

async function recordingServer() {
  const app = await createServer({ address: "127.0.0.1", port: 0 });
  observeExchanges(app, {
    parametersOf: (request) => ({ ...(request.query as object) }),
    nameInPath: (name) => name.replace("_", "-"),
    observe: openCallLog("pbs") ?? (() => undefined),
  });
  app.get("/api2/json/users/:user_id", () => ({ data: { password: "hunter2", comment: "a" } }));
  app.get("/api2/json/volumes/*", (_, reply) => reply.code(403).send("no"));
  app.get("/sim/faults", () => ({ data: [] }));
  return app;
}

it("holds every call of the API with its answer, refusals and unknown paths too, but no secret", async () => {
  vi.stubEnv(callLogVariable, folder);
  const app = await recordingServer();
  for (const url of ["users/root?password=swordfish&x=1", "volumes/a/b", "nowhere?y=2"]) {
    await app.inject(`/api2/json/${url}`);
  }
  await app.inject("/sim/faults");
  await app.close();
  expect(await readCallLog(folder, "pbs")).toEqual([
    {
      method: "GET",
      path: "/users/{user-id}",
      parameters: { password: "*********", x: "1" },
      status: 200,
      data: { password: "*******", comment: "a" },
    },
    { method: "GET", path: "/volumes/{volume}", parameters: {}, status: 403 },
    { method: "GET", path: "/nowhere", parameters: { y: "2" }, status: 404 },
  ]);
  expect(await readFile(join(folder, "pbs.jsonl"), "utf8")).not.toMatch(/hunter2|swordfish/);
});

it("is not kept unless it is asked for", async () => {
  expect(openCallLog("pve")).toBeUndefined();
  expect(await readCallLog(folder, "pve")).toEqual([]);
});

it.each([
  [
    "/config/s3",
    { "access-key": "a", "secret-key": "b", endpoint: "c" },
    { "access-key": "*", "secret-key": "*" },
  ],
  ["/access/users/{userid}/token/{tokenid}", { value: "abc" }, { value: "***" }],
  ["/nodes/{node}/qemu/{vmid}/agent/exec", { command: ["sh", "-c"], pid: 1 }, { command: ["**", "**"] }],
  ["/config/notifications/endpoints/webhook", { url: "ab", header: ["c"] }, { url: "**", header: ["*"] }],
  [
    "/access/ticket",
    { data: { ticket: "ab", CSRFPreventionToken: "c" } },
    { data: { ticket: "**", CSRFPreventionToken: "*" } },
  ],
])("hides what is secret at %s, in calls and answers", (path, values, hidden) => {
  const call = { method: "POST", path, parameters: values, status: 200, data: values };
  const left = { ...values, ...hidden };
  expect(withoutSecrets(call)).toEqual({ ...call, parameters: left, data: left });
});

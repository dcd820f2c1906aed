import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RunningServer } from "../lib/server.ts";
import { startGrafana } from "./server.ts";

let folder: string;
let grafana: RunningServer;
const start = () => startGrafana({ address: "127.0.0.1", port: 0, folder, token: "glsa_test" });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "grafana-"));
  grafana = await start();
});
afterEach(async () => {
  await grafana.close();
  await rm(folder, { recursive: true, force: true });
});

async function call(method: string, path: string, body?: unknown, token = "glsa_test") {
  const response = await fetch(`${grafana.url}/api${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe("the dashboard store", () => {
  it("wants the service account's token", async () => {
    expect((await call("GET", "/folders", undefined, "wrong")).status).toBe(401);
    expect((await fetch(`${grafana.url}/api/folders`)).status).toBe(401);
    expect((await call("GET", "/health", undefined, "wrong")).status).toBe(200);
  });

  it("counts a dashboard's versions and refuses an outdated save", async () => {
    const save = (dashboard: object, overwrite = false) =>
      call("POST", "/dashboards/db", { dashboard, folderUid: "", overwrite });
    expect((await save({ uid: "voids", title: "Cosmic voids" })).body).toMatchObject({ id: 1, version: 1 });
    expect((await save({ uid: "voids", title: "Cosmic voids" })).status).toBe(412);
    expect((await save({ uid: "voids", title: "Voids", version: 1 })).body).toMatchObject({ version: 2 });
    expect((await save({ uid: "voids", title: "Voids 2" }, true)).body).toMatchObject({ id: 1, version: 3 });
    expect((await save({ id: 77, title: "x" })).status).toBe(404);
    const { body } = await call("GET", "/dashboards/uid/voids");
    expect(body).toMatchObject({ meta: { version: 3, slug: "voids-2" }, dashboard: { id: 1, version: 3 } });
  });

  it("takes only one of two saves that started from the same version", async () => {
    const dashboard = { uid: "race", title: "Race" };
    await call("POST", "/dashboards/db", { dashboard });
    const both = await Promise.all(
      ["a", "b"].map((title) =>
        call("POST", "/dashboards/db", { dashboard: { ...dashboard, title, version: 1 } }),
      ),
    );
    expect(both.map(({ status }) => status).sort()).toEqual([200, 412]);
  });

  it("keeps dashboards in folders and deletes them together", async () => {
    expect(
      (await call("POST", "/dashboards/db", { dashboard: { title: "x" }, folderUid: "lab" })).status,
    ).toBe(400);
    expect((await call("POST", "/folders", { uid: "lab", title: "Lab" })).body).toMatchObject({ uid: "lab" });
    expect((await call("POST", "/folders", { uid: "lab", title: "Lab" })).status).toBe(409);
    expect((await call("PUT", "/folders/lab", { title: "The lab", version: 7 })).status).toBe(412);
    expect((await call("PUT", "/folders/lab", { title: "The lab", version: 1 })).body).toMatchObject({
      version: 2,
    });
    await call("POST", "/dashboards/db", { dashboard: { uid: "x", title: "x" }, folderUid: "lab" });
    await call("DELETE", "/folders/lab");
    expect((await call("GET", "/dashboards/uid/x")).status).toBe(404);
  });

  it("keeps data sources without their secrets, also over a restart", async () => {
    const source = {
      uid: "prom",
      name: "Prometheus",
      type: "prometheus",
      access: "proxy",
      url: "http://m:9090",
    };
    await call("POST", "/datasources", { ...source, isDefault: true, secureJsonData: { password: "p" } });
    expect((await call("POST", "/datasources", source)).status).toBe(409);
    await grafana.close();
    grafana = await start();
    const { body } = await call("GET", "/datasources/uid/prom");
    expect(body).toMatchObject({ ...source, isDefault: true, secureJsonFields: { password: true } });
    expect(JSON.stringify(body)).not.toContain('"p"');
    await call("POST", "/datasources", { ...source, uid: "other", name: "Other", isDefault: true });
    expect((await call("GET", "/datasources/uid/prom")).body.isDefault).toBe(false);
  });

  it("refuses what it does not know", async () => {
    expect((await call("GET", "/alert-rules")).status).toBe(404);
    expect((await call("POST", "/folders", { title: "a", colour: "red" })).status).toBe(400);
    expect((await call("GET", "/dashboards/uid/..%2Ffolders%2Flab")).status).toBe(404);
  });
});

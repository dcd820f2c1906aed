import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as grafana from "@pulumiverse/grafana";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startGrafana } from "../../grafana/server.ts";
import type { RunningServer } from "../../lib/server.ts";
import { findPulumi, type TestStack, testStack } from "../testing.ts";
import { grafanaProvider } from "./provider.ts";

const engine = await findPulumi();
if (!engine) console.warn("skipped: pulumi is missing; ./lab doctor says how to get it");
const token = "glsa_test";

function program(url: string, title: string, auth = token) {
  return async () => {
    const opts = { provider: new grafana.Provider("grafana", { url, auth }) };
    const folder = new grafana.oss.Folder("lab", { uid: "lab", title: "Lab" }, opts);
    new grafana.oss.DataSource(
      "prometheus",
      { uid: "prom", name: "Prometheus", type: "prometheus", url: "http://mon:9090", accessMode: "proxy" },
      opts,
    );
    const dashboard = new grafana.oss.Dashboard(
      "voids",
      { folder: folder.uid, configJson: JSON.stringify({ uid: "voids", title, panels: [] }, null, 2) },
      opts,
    );
    return { version: dashboard.version, url: dashboard.url };
  };
}

describe.skipIf(!engine)("folder, data source and dashboard", { timeout: 60_000 }, () => {
  let folder: string;
  let server: RunningServer;
  let test: TestStack;
  const call = async (method: string, path: string, body?: object) => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const init = body === undefined ? {} : { body: JSON.stringify(body) };
    return fetch(`${server.url}/api${path}`, { method, ...init, headers });
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "grafana-"));
    server = await startGrafana({ address: "127.0.0.1", port: 0, folder, token });
    test = await testStack(engine ?? "", grafanaProvider, program(server.url, "Voids"));
  });
  afterAll(async () => {
    await test?.close();
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("are made once, and the version that Grafana counts is no change", async () => {
    const { outputs } = await test.stack.up();
    expect(outputs.version?.value).toBe(1);
    expect(outputs.url?.value).toBe(`${server.url}/d/voids`);
    await test.stack.refresh({ expectNoChanges: true });
    await test.stack.preview({ expectNoChanges: true });
  });

  it("are found changed and are mended", async () => {
    const changed = { dashboard: { uid: "voids", title: "Other" }, overwrite: true, folderUid: "lab" };
    expect((await call("POST", "/dashboards/db", changed)).status).toBe(200);
    expect((await call("DELETE", "/datasources/uid/prom")).status).toBe(200);
    const { summary } = await test.stack.refresh();
    expect(summary.resourceChanges).toMatchObject({ update: 1, delete: 1 });
    const { outputs } = await test.stack.up();
    expect(outputs.version?.value).toBe(3);
    await test.stack.refresh({ expectNoChanges: true });
  });

  it("change in place", async () => {
    test.stack.workspace.program = program(server.url, "Cosmic voids");
    const { summary } = await test.stack.up();
    expect(summary.resourceChanges).toMatchObject({ update: 1 });
    const saved = (await (await call("GET", "/dashboards/uid/voids")).json()) as {
      dashboard: { title: string };
    };
    expect(saved.dashboard.title).toBe("Cosmic voids");
  });

  it("need the right token, and leave nothing", async () => {
    test.stack.workspace.program = program(server.url, "Voids", "wrong");
    await expect(test.stack.up()).rejects.toThrow("401");
    test.stack.workspace.program = program(server.url, "Voids");
    await test.stack.up();
    await test.stack.destroy();
    expect(await (await call("GET", "/search")).json()).toEqual([]);
    expect(await (await call("GET", "/folders")).json()).toEqual([]);
    expect(await (await call("GET", "/datasources")).json()).toEqual([]);
  });
});

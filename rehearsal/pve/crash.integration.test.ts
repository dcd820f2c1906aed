import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Agent, fetch as fetchWith } from "undici";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeJson } from "../lib/files.ts";
import { freePort } from "../lib/ports.ts";
import { isAlive, type ProcessRecord, signalProcess, startDetached, stopProcess } from "../lib/process.ts";
import { openCertificateAuthority, serverCertificate } from "../lib/tls.ts";
import { waitFor } from "../lib/wait.ts";
import { openTestServer, type TestServer } from "../pbs/testing.ts";
import { adminToken, TestClient, testConfig } from "./testing.ts";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));

describe("a simulator that is killed in the middle of tasks", { timeout: 60_000 }, () => {
  let folder: string;
  let client: TestClient;
  let pbs: TestServer;
  let trust: Agent;
  let simulator: ProcessRecord;
  let port: number;

  async function start(node: Record<string, unknown>): Promise<void> {
    const config = testConfig({ nodes: [{ name: "pve1", ...node }], instanceId: "00c4a5d1" });
    await writeJson(join(folder, "config.json"), config, { mode: 0o600 });
    simulator = await startDetached({
      name: "pve",
      argv: [
        ...[process.execPath, main, "--state", join(folder, "pve"), "--config", join(folder, "config.json")],
        ...["--cert", join(folder, "tls", "pve.pem"), "--key", join(folder, "tls", "pve.key")],
        ...["--port", String(port)],
      ] as unknown as [string, ...string[]],
      log: join(folder, "pve.log"),
    });
    await waitFor(async () => (await client.call("GET", "/version")).status === 200, {
      what: "the API",
      timeoutSeconds: 20,
    }).catch(async (error: unknown) => {
      throw new Error(`${String(error)}\n${await readFile(join(folder, "pve.log"), "utf8")}`);
    });
  }

  async function kill(): Promise<void> {
    await signalProcess(simulator, "SIGKILL");
    await waitFor(async () => !(await isAlive(simulator)), { what: "the kill", timeoutSeconds: 10 });
  }

  const statusOf = (upid: string) =>
    client.ok<{ status: string; exitstatus?: string }>(
      "GET",
      `/nodes/pve1/tasks/${encodeURIComponent(upid)}/status`,
    );

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "lab-pve-"));
    pbs = await openTestServer();
    await pbs.datastore("main");
    const authority = await openCertificateAuthority(join(folder, "tls"));
    const names = { name: "pve", ipAddresses: ["127.0.0.1"], dnsNames: [] };
    await serverCertificate(authority, join(folder, "tls"), names);
    trust = new Agent({ connect: { ca: authority.certPem } });
    port = await freePort();
    client = new TestClient(`https://127.0.0.1:${port}`, adminToken, (url, init) =>
      fetchWith(url, { ...init, dispatcher: trust } as Parameters<typeof fetchWith>[1]),
    );
  });

  afterAll(async () => {
    if (simulator !== undefined) await stopProcess(simulator, 10);
    await trust?.close();
    await pbs?.close();
    await rm(folder, { recursive: true, force: true });
  });

  test("a guest that was being made is not there, and its id and the storage's lock are free", async () => {
    await start({ createSeconds: 60, parallelCreates: 1 });
    const making = { vmid: 100, scsi0: "local-lvm:8" };
    const upid = await client.ok<string>("POST", "/nodes/pve1/qemu", making);
    expect(await statusOf(upid)).toMatchObject({ status: "running" });
    await kill();
    await start({ parallelCreates: 1 });
    expect(await statusOf(upid)).toMatchObject({ status: "stopped", exitstatus: "unexpected status" });
    expect(await client.ok("GET", "/nodes/pve1/qemu")).toEqual([]);
    expect(await client.task("POST", "/nodes/pve1/qemu", making)).toBe("OK");
  });

  test("a backup that was being written is nowhere, and its guest is free", async () => {
    const login = await pbs.token("nodes@pbs", "DatastoreAdmin", "/datastore/main");
    await client.ok("POST", "/storage", {
      ...{ storage: "pbs", type: "pbs", server: "127.0.0.1", port: pbs.port, datastore: "main" },
      ...{ username: login.token, password: login.secret, fingerprint: pbs.fingerprint },
    });
    pbs.simulator.faults.add({ method: "POST", path: "/sim/backup/**", times: 5, delayMs: 60_000 });
    const upid = await client.ok<string>("POST", "/nodes/pve1/vzdump", { vmid: 100, storage: "pbs" });
    const config = () => client.ok<Record<string, unknown>>("GET", "/nodes/pve1/qemu/100/config");
    await waitFor(async () => (await config()).lock === "backup" && pbs.simulator.faults.list().length > 0, {
      what: "the backup to begin",
      timeoutSeconds: 20,
    });
    const change = await client.call("PUT", "/nodes/pve1/qemu/100/config", { cores: 2 });
    expect(change.reason).toBe("VM is locked (backup)");
    await kill();
    pbs.simulator.faults.clear();
    await start({});
    expect(await statusOf(upid)).toMatchObject({ exitstatus: "unexpected status" });
    expect(await config()).not.toHaveProperty("lock");
    expect(await client.ok("GET", "/nodes/pve1/storage/pbs/content")).toEqual([]);
    expect(await client.task("POST", "/nodes/pve1/vzdump", { vmid: 100, storage: "pbs" })).toBe("OK");
    expect(await client.ok("GET", "/nodes/pve1/storage/pbs/content")).toHaveLength(1);
  });
});

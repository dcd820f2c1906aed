import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Simulator, startSimulator } from "./server.ts";

const token = "root@pam!admin";
const secret = "f0b0d5a4-3c40-4a9e-8a4f-6f8d2c1e9b77";
let folder: string;
let simulator: Simulator;

const start = () =>
  startSimulator({ address: "127.0.0.1", port: 0, stateFolder: folder, adminTokens: { [token]: secret } });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lab-pbs-sim-"));
  simulator = await start();
});
afterEach(async () => {
  await simulator.close();
  await rm(folder, { recursive: true, force: true });
});

interface Called {
  readonly status: number;
  readonly text: string;
  readonly data: unknown;
  readonly digest?: string;
}

async function call(
  method: string,
  path: string,
  form: Record<string, string> | [string, string][] = {},
  authorization: string | undefined = `PBSAPIToken=${token}:${secret}`,
): Promise<Called> {
  const encoded = new URLSearchParams(form);
  const inBody = method === "POST" || method === "PUT";
  const query = !inBody && encoded.size > 0 ? `?${encoded}` : "";
  const response = await fetch(`${simulator.url}/api2/json${path}${query}`, {
    method,
    headers: authorization ? { authorization } : {},
    ...(inBody ? { body: encoded } : {}),
  });
  const text = await response.text();
  return { status: response.status, text, data: undefined, ...(response.ok ? JSON.parse(text) : {}) };
}

async function createStore(name: string): Promise<void> {
  await call("POST", "/config/datastore", { name, path: `/mnt/${name}` });
  await simulator.tasks.idle();
}

async function backup(
  store: string,
  group: string,
  time: string,
  extra: Record<string, string> = {},
): Promise<void> {
  const at = join(folder, "root/mnt", store, group, time);
  await mkdir(at, { recursive: true });
  await writeFile(join(at, "..", "owner"), "pve@pbs!lab\n");
  await writeFile(join(at, "root.pxar.didx"), "content");
  const manifest = { files: [{ filename: "root.pxar.didx", size: 7, "crypt-mode": "encrypt" }] };
  await writeFile(join(at, "index.json.blob"), JSON.stringify(manifest));
  for (const [name, content] of Object.entries(extra)) await writeFile(join(at, name), content);
}

describe("who calls", () => {
  it.each<[string, string, string]>([
    ["nothing", "", "authentication failed - no authentication credentials provided."],
    [
      "an equals sign",
      `PBSAPIToken=${token}=${secret}`,
      "authentication failed - no authentication credentials provided.",
    ],
    ["a wrong secret", `PBSAPIToken=${token}:wrong`, "authentication failed - invalid API token secret"],
    ["an unknown token", `PBSAPIToken=a@pbs!b:${secret}`, "authentication failed - no such API token."],
  ])("is refused with %s", async (_, authorization, message) => {
    expect(await call("GET", "/version", {}, authorization || "none")).toMatchObject({
      status: 401,
      text: message,
    });
  });

  it("is refused when the account is disabled or expired", async () => {
    await call("POST", "/access/users", { userid: "a@pbs" });
    const { data } = await call("POST", "/access/users/a@pbs/token/t");
    const header = `PBSAPIToken=a@pbs!t:${(data as { value: string }).value}`;
    expect((await call("GET", "/version", {}, header)).status).toBe(200);
    await call("PUT", "/access/users/a@pbs", { expire: "1000" });
    expect(await call("GET", "/version", {}, header)).toMatchObject({
      status: 401,
      text: "authentication failed - user account or token disabled or expired.",
    });
  });
});

describe("what is refused", () => {
  it.each<[string, string, string, Record<string, string>, number, string]>([
    ["an unknown path", "GET", "/config/nothing", {}, 404, "Path '/api2/json/config/nothing' not found."],
    [
      "an unknown parameter",
      "GET",
      "/version",
      { verbose: "1" },
      400,
      "parameter verification failed - 'verbose': schema does not allow additional properties.",
    ],
    [
      "a group in a permission",
      "PUT",
      "/access/acl",
      { path: "/", role: "Audit", group: "admins" },
      400,
      "parameter 'group' - groups are currently not supported.",
    ],
    [
      "an unknown user in one",
      "PUT",
      "/access/acl",
      { path: "/", role: "Audit", "auth-id": "a@pbs" },
      400,
      "no such user.",
    ],
    [
      "a path that is none",
      "PUT",
      "/access/acl",
      { path: "/storage/x", role: "Audit", "auth-id": "root@pam" },
      400,
      "invalid acl path '/storage/x'.",
    ],
    ["a realm that is none", "POST", "/access/users", { userid: "a@ldap" }, 400, "unknown realm 'ldap'"],
    ["a missing job", "GET", "/config/prune/none", {}, 400, "no such prune 'none'"],
    [
      "deleting a missing datastore",
      "DELETE",
      "/config/datastore/none",
      {},
      404,
      "datastore 'none' does not exist.",
    ],
    [
      "a wrong digest",
      "PUT",
      "/access/users/root@pam",
      { comment: "x", digest: "0".repeat(64) },
      400,
      "detected modified configuration - file changed by other user? Try again.",
    ],
    [
      "a password from a token",
      "PUT",
      "/access/password",
      { userid: "root@pam", password: "12345678" },
      400,
      "API tokens cannot access this API endpoint",
    ],
  ])("%s", async (_, method, path, form, status, text) => {
    expect(await call(method, path, form)).toMatchObject({ status, text });
  });

  it("several wrong parameters, all at once", async () => {
    const { text } = await call("POST", "/config/prune", { id: "ab", store: "vms", schedule: "@daily" });
    expect(text).toMatch(
      /^parameter verification failed:\n- 'id': .*3 characters.*\n- 'schedule': unable to parse calendar event/,
    );
  });

  it("retention on a datastore", async () => {
    await createStore("vms");
    expect((await call("PUT", "/config/datastore/vms", { "keep-last": "3" })).text).toBe(
      "parameter verification failed - 'keep-last': datastore prune settings have been replaced by prune jobs",
    );
  });

  it("a datastore inside another", async () => {
    await createStore("vms");
    expect((await call("POST", "/config/datastore", { name: "inner", path: "/mnt/vms/inner" })).text).toMatch(
      /nested datastores not allowed/,
    );
  });
});

describe("faults", () => {
  const sim = (header: string) =>
    fetch(`${simulator.url}/sim/faults`, {
      method: "POST",
      headers: { authorization: header, "content-type": "application/json" },
      body: JSON.stringify({ path: "/version", times: 1, status: 503, message: "proxy unavailable" }),
    });

  it("are set by the simulator's own tokens and answered as the product answers", async () => {
    expect((await sim(`PBSAPIToken=${token}:${secret}`)).status).toBe(200);
    expect(await call("GET", "/version")).toMatchObject({ status: 503, text: "proxy unavailable" });
    expect((await call("GET", "/version")).status).toBe(200);
  });

  it("are set by nobody else, whatever their rights", async () => {
    await call("POST", "/access/users", { userid: "a@pbs" });
    await call("PUT", "/access/acl", { path: "/", role: "Admin", "auth-id": "a@pbs" });
    const { data } = await call("POST", "/access/users/a@pbs/token/t");
    const header = `PBSAPIToken=a@pbs!t:${(data as { value: string }).value}`;
    expect((await sim(header)).status).toBe(403);
    expect((await call("GET", "/version")).status).toBe(200);
  });
});

describe("a new datastore", () => {
  it("turns a prune schedule into a job of its own", async () => {
    await call("POST", "/config/datastore", {
      name: "vms",
      path: "/mnt/vms",
      "prune-schedule": "daily",
      "keep-last": "3",
    });
    await simulator.tasks.idle();
    expect((await call("GET", "/config/datastore/vms")).data).toEqual({ name: "vms", path: "/mnt/vms" });
    expect((await call("GET", "/config/prune")).data).toEqual([
      { id: expect.stringMatching(/^default-vms-/), store: "vms", schedule: "daily", "keep-last": 3 },
    ]);
  });

  it("gives a digest that changes with it", async () => {
    const before = (await call("GET", "/config/datastore")).digest;
    await createStore("vms");
    expect((await call("GET", "/config/datastore")).digest).not.toBe(before);
  });
});

describe("tasks", () => {
  it("are listed, and have a status and a log", async () => {
    await createStore("my-vms");
    const [task] = (await call("GET", "/nodes/localhost/tasks", { typefilter: "create" })).data as {
      upid: string;
    }[];
    expect(task?.upid).toMatch(
      /^UPID:[a-zA-Z0-9-]+:[0-9A-F]{8}:[0-9A-F]{8}:[0-9A-F]{8}:[0-9A-F]{8}:create-datastore:my\\x2dvms:root@pam!admin:$/,
    );
    const at = `/nodes/localhost/tasks/${encodeURIComponent(task?.upid ?? "")}`;
    expect((await call("GET", `${at}/status`)).data).toMatchObject({
      status: "stopped",
      exitstatus: "OK",
      id: "my-vms",
      user: "root@pam",
      tokenid: "admin",
    });
    expect((await call("GET", `${at}/log`, { start: "1", limit: "1" })).data).toEqual([
      { n: 2, t: expect.stringContaining("Chunkstore create") },
    ]);
  });

  it("that the server died with are unknown after its restart", async () => {
    const upid = await simulator.tasks.start("prunejob", "x", token, async () => {});
    await simulator.tasks.idle();
    const [record] = (await readdir(join(folder, "tasks"))).filter((file) => file.endsWith(".json"));
    const path = join(folder, "tasks", record ?? "");
    const { status: _status, endtime: _endtime, ...running } = JSON.parse(await readFile(path, "utf8"));
    await writeFile(path, JSON.stringify(running));
    await simulator.close();
    simulator = await start();
    const { data } = await call("GET", `/nodes/localhost/tasks/${encodeURIComponent(upid)}/status`);
    expect(data).toMatchObject({ status: "stopped", exitstatus: "unknown" });
  });
});

describe("backups", () => {
  it("are listed with owner, size, encryption and verification; a broken manifest without", async () => {
    await createStore("vms");
    await backup("vms", "vm/100", "2026-03-01T02:00:00Z", { ".protected": "" });
    await backup("vms", "vm/101", "2026-03-02T02:00:00Z", { "index.json.blob": "{" });
    expect((await call("GET", "/admin/datastore/vms/snapshots")).data).toEqual([
      {
        "backup-type": "vm",
        "backup-id": "101",
        "backup-time": Date.parse("2026-03-02T02:00:00Z") / 1000,
        owner: "pve@pbs!lab",
        protected: false,
        files: expect.any(Array),
      },
      expect.objectContaining({ "backup-id": "100", protected: true, size: expect.any(Number) }),
    ]);
    expect((await call("GET", "/admin/datastore/vms/status", { verbose: "1" })).data).toMatchObject({
      counts: { vm: { groups: 2, snapshots: 2 } },
      total: expect.any(Number),
    });
  });

  it("are pruned by a job that runs, in all namespaces, but never when protected", async () => {
    await createStore("vms");
    for (const day of ["01", "02", "03"]) await backup("vms", "vm/100", `2026-03-${day}T02:00:00Z`);
    for (const day of ["01", "02"]) await backup("vms", "ns/lab/ct/7", `2026-03-${day}T02:00:00Z`);
    await backup("vms", "vm/100", "2026-02-01T02:00:00Z", { ".protected": "" });
    await call("POST", "/config/prune", { id: "nightly", store: "vms", schedule: "daily", "keep-last": "1" });
    const { data: upid } = await call("POST", "/admin/prune/nightly/run");
    await simulator.tasks.idle();
    const left = (await readdir(join(folder, "root/mnt/vms"), { recursive: true })).filter((path) =>
      /T02:00:00Z$/.test(path),
    );
    expect(left.toSorted()).toEqual([
      "ns/lab/ct/7/2026-03-02T02:00:00Z",
      "vm/100/2026-02-01T02:00:00Z",
      "vm/100/2026-03-03T02:00:00Z",
    ]);
    expect((await call("GET", "/admin/prune")).data).toEqual([
      expect.objectContaining({ id: "nightly", "last-run-upid": upid, "last-run-state": "OK" }),
    ]);
  });
});

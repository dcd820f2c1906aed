import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startTestCluster, TestClient, type TestCluster, testConfig } from "./testing.ts";

let cluster: TestCluster;
beforeEach(async () => {
  cluster = await startTestCluster(testConfig({ rootPassword: "a long word" }));
});
afterEach(() => cluster.close());

interface Login {
  ticket: string;
  CSRFPreventionToken: string;
}

async function logIn(username: string, password: string): Promise<Response> {
  return fetch(`${cluster.url}/api2/json/access/ticket`, {
    method: "POST",
    body: new URLSearchParams({ username, password }),
  });
}

async function ticketOf(username: string, password: string): Promise<Login> {
  const { data } = (await (await logIn(username, password)).json()) as { data: Login };
  return data;
}

function byTicket(method: string, path: string, ticket: string, headers: Record<string, string> = {}) {
  return fetch(`${cluster.url}/api2/json${path}`, {
    method,
    headers: { cookie: `PVEAuthCookie=${encodeURIComponent(ticket)}`, ...headers },
  });
}

async function newUser(role: string, path = "/"): Promise<void> {
  const { client } = cluster;
  await client.ok("POST", "/access/users", { userid: "op@pve", password: "some-password" });
  await client.ok("PUT", "/access/acl", { path, roles: role, users: "op@pve" });
}

async function newToken(options: Record<string, string | number> = {}): Promise<TestClient> {
  const path = "/access/users/op@pve/token/t1";
  const { value } = await cluster.client.ok<{ value: string }>("POST", path, options);
  return new TestClient(cluster.url, { id: "op@pve!t1", secret: value });
}

describe("tickets", () => {
  test("a wrong password is refused, a right one gives a ticket that reads", async () => {
    const refused = await logIn("root@pam", "wrong");
    expect([refused.status, refused.statusText]).toEqual([401, "authentication failure"]);
    const { ticket } = await ticketOf("root@pam", "a long word");
    expect((await byTicket("GET", "/cluster/backup", ticket)).status).toBe(200);
    const forged = await byTicket("GET", "/version", ticket.replace("root@pam", "op@pve"));
    expect([forged.status, forged.statusText]).toEqual([401, "permission denied - invalid PVE ticket"]);
  });

  test("a write by ticket needs the page's token", async () => {
    const { ticket, CSRFPreventionToken } = await ticketOf("root@pam", "a long word");
    const bare = await byTicket("POST", "/pools?poolid=lab", ticket);
    expect([bare.status, bare.statusText]).toEqual([401, "Permission denied - invalid csrf token"]);
    const headers = { csrfpreventiontoken: CSRFPreventionToken };
    expect((await byTicket("POST", "/pools?poolid=lab", ticket, headers)).status).toBe(200);
  });

  test("a ticket outlives a restart and is renewed by itself, a disabled user's is worth nothing", async () => {
    await newUser("PVEAuditor");
    const { ticket } = await ticketOf("op@pve", "some-password");
    await cluster.restart();
    expect((await byTicket("GET", "/version", ticket)).status).toBe(200);
    expect((await ticketOf("op@pve", ticket)).ticket).toMatch(/^PVE:op@pve:/);
    await cluster.client.ok("PUT", "/access/users/op@pve", { enable: 0 });
    expect((await byTicket("GET", "/version", ticket)).statusText).toBe("user 'op@pve' is disabled");
  });
});

describe("API tokens", () => {
  test("with separated privileges both the token and its user need a right", async () => {
    await newUser("PVEVMAdmin");
    const token = await newToken();
    const create = () => token.call("POST", "/nodes/pve1/qemu", { vmid: 100 });
    expect((await create()).body.message).toBe("Permission check failed (/vms/100, VM.Allocate)\n");
    await cluster.client.ok("PUT", "/access/acl", { path: "/", roles: "Administrator", tokens: "op@pve!t1" });
    expect((await create()).status).toBe(200);
    expect((await token.call("GET", "/cluster/backup")).reason).toBe(
      "Permission check failed (/, Sys.Audit)",
    );
  });

  test("without separation a token may do what its user may", async () => {
    await newUser("PVEVMAdmin", "/vms");
    const token = await newToken({ privsep: 0 });
    expect((await token.call("POST", "/nodes/pve1/qemu", { vmid: 100 })).status).toBe(200);
  });

  test("the secret is shown once; what has expired or is gone is named", async () => {
    await newUser("PVEAuditor");
    const token = await newToken({ expire: 1 });
    expect((await token.call("GET", "/version")).reason).toBe("token 't1' access expired");
    const path = "/access/users/op@pve/token/t1";
    const shown = await cluster.client.ok("GET", path);
    expect(shown).toEqual({ privsep: 1, expire: 1 });
    await cluster.client.ok("DELETE", path);
    expect((await token.call("GET", "/version")).reason).toBe("no such token 't1' for user 'op@pve'");
    await cluster.client.ok("DELETE", "/access/users/op@pve");
    expect((await token.call("GET", "/version")).reason).toBe("no such user ('op@pve')");
  });
});

describe("rules", () => {
  test("a deeper rule replaces what is inherited; a pool's rules hold for its guests", async () => {
    const { client } = cluster;
    await client.task("POST", "/nodes/pve1/qemu", { vmid: 100 });
    await client.task("POST", "/nodes/pve1/qemu", { vmid: 101 });
    await newUser("PVEVMAdmin");
    await client.ok("PUT", "/access/acl", { path: "/vms/100", roles: "NoAccess", users: "op@pve" });
    const op = await newToken({ privsep: 0 });
    const seen = async () =>
      (await op.ok<{ vmid: number }[]>("GET", "/nodes/pve1/qemu")).map(({ vmid }) => vmid);
    expect(await seen()).toEqual([101]);
    await client.ok("POST", "/pools", { poolid: "lab" });
    await client.ok("PUT", "/pools", { poolid: "lab", vms: "100" });
    await client.ok("PUT", "/access/acl", { path: "/pool/lab", roles: "PVEVMUser", users: "op@pve" });
    expect(await seen()).toEqual([100, 101]);
    const allowed = await op.ok<Record<string, object>>("GET", "/access/permissions", { path: "/vms/101" });
    expect(allowed["/vms/101"]).toHaveProperty("VM.Allocate", 1);
  });

  test("a role can be changed, a built-in one cannot, an unknown privilege is refused", async () => {
    const { client } = cluster;
    await client.ok("POST", "/access/roles", { roleid: "Lab", privs: "VM.Audit" });
    await client.ok("PUT", "/access/roles/Lab", { privs: "VM.PowerMgmt", append: 1 });
    expect(await client.ok("GET", "/access/roles/Lab")).toEqual({ "VM.Audit": 1, "VM.PowerMgmt": 1 });
    const changed = await client.call("PUT", "/access/roles/PVEAdmin", { privs: "VM.Audit" });
    expect(changed.reason).toBe("auto-generated role 'PVEAdmin' cannot be modified");
    const unknown = await client.call("POST", "/access/roles", { roleid: "No", privs: "VM.Fly" });
    expect(unknown.body.errors).toEqual({ privs: "invalid format - invalid privilege 'VM.Fly'" });
  });

  test("each kind of option of a guest needs its own privilege", async () => {
    await cluster.client.task("POST", "/nodes/pve1/qemu", { vmid: 100, net0: "virtio,bridge=vmbr0" });
    await cluster.client.ok("POST", "/access/roles", {
      roleid: "Cpu",
      privs: "VM.Config.CPU,VM.Config.Network",
    });
    await newUser("Cpu");
    const op = await newToken({ privsep: 0 });
    const set = async (options: Record<string, string | number>) =>
      (await op.call("PUT", "/nodes/pve1/qemu/100/config", options)).reason;
    expect(await set({ cores: 2 })).toBe("OK");
    expect(await set({ memory: 1024 })).toBe("Permission check failed (/vms/100, VM.Config.Memory)");
    expect(await set({ scsi0: "local-lvm:8" })).toBe("Permission check failed (/vms/100, VM.Config.Disk)");
    expect(await set({ net0: "virtio,bridge=vmbr1" })).toBe(
      "Permission check failed (/sdn/zones/localnetwork/vmbr1, SDN.Use)",
    );
    expect(await set({ delete: "onboot" })).toBe("Permission check failed (/vms/100, VM.Config.Options)");
  });
});

import { readFile } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { createServer, type Server } from "node:https";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openCertificateAuthority } from "../../../../rehearsal/lib/tls.ts";
import type { Properties } from "../../../provider/values.ts";
import { adminToken, openWorld, type World } from "../world.ts";
import { configOf, openPlugin, type Plugin } from "./plugin.ts";

let world: World;
let admin: Plugin;
const plugins: Plugin[] = [];
const servers: Server[] = [];
const job = { jobId: "nightly", store: "vms", schedule: "02:30", keepDaily: 7, disable: false };

beforeAll(async () => {
  world = await openWorld();
  admin = await openPlugin(configOf(world));
});
afterAll(async () => {
  for (const one of [admin, ...plugins]) one.close();
  for (const server of servers) server.close();
  await world.close();
});

/** The message of a creation with another configuration. */
async function failureWith(config: Properties, inputs: Properties = job, type = "PruneJob"): Promise<string> {
  const plugin = await openPlugin({ ...configOf(world), ...config });
  plugins.push(plugin);
  return messageOf(plugin.create(type, inputs));
}

async function messageOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error("this was expected to fail");
}

async function tokenOf(name: string, expire = 0, roles: readonly [path: string, role: string][] = []) {
  const userid = `${name}@pbs`;
  await admin.create("User", { userid, enable: true, expire: 0 });
  const token = await admin.create("ApiToken", { userid, tokenName: "lab", enable: true, expire });
  for (const [path, roleId] of roles) {
    for (const authId of [userid, `${userid}!lab`]) {
      await admin.create("Acl", { path, roleId, authId, propagate: true });
    }
  }
  return { tokenId: `${userid}!lab`, tokenSecret: String(token.state.value) };
}

/** An HTTPS server with the world's certificate. */
async function serverThat(answer: RequestListener): Promise<string> {
  const at = (file: string) => readFile(join(world.folder, "tls", file));
  const server = createServer({ cert: await at("pbs.pem"), key: await at("pbs.key") }, answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return `https://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
}

describe("a certificate", () => {
  it("with another fingerprint is told with both, and the token never leaves", async () => {
    const wrong = Array.from({ length: 32 }, () => "00").join(":");
    world.calls.length = 0;
    expect(await failureWith({ fingerprint: wrong })).toBe(
      `the certificate of ${world.url} has the SHA-256 fingerprint ${world.fingerprint}, but the provider expects ${wrong}: ` +
        "either this is another server, or its certificate was renewed (compare with `proxmox-backup-manager cert info` on the server, then set `fingerprint`)",
    );
    expect(world.calls).toEqual([]);
  });

  it("that no authority of the system signed is told with what to set", async () => {
    expect(await failureWith({ fingerprint: undefined })).toBe(
      `the certificate of ${world.url} is not trusted: unable to verify the first certificate; set \`caCertificate\`, ` +
        "or `fingerprint` to what `proxmox-backup-manager cert info` shows on the server",
    );
  });

  it("that another authority signed is told as that", async () => {
    const other = await openCertificateAuthority(join(world.folder, "other-tls"));
    expect(await failureWith({ fingerprint: undefined, caCertificate: other.certPem })).toMatch(
      new RegExp(
        `^the certificate of ${world.url} is not trusted: .*; \`caCertificate\` is not the authority that signed it: set the right one, or \`fingerprint\` to what`,
      ),
    );
  });
});

describe("a token", () => {
  it("that has expired is told as that", async () => {
    const token = await tokenOf("expired", 1);
    expect(await failureWith(token)).toBe(
      "Proxmox Backup Server refused POST /config/prune (HTTP 401): authentication failed - user account or token disabled or expired; " +
        "give the token expired@pbs!lab or its user a later expiry (`proxmox-backup-manager user list-tokens expired@pbs` shows it), or make a new token",
    );
  });

  it("with a wrong secret is told with what to check, without the secret", async () => {
    const tokenSecret = "planted-secret-6613";
    expect(await failureWith({ tokenSecret })).toBe(
      "Proxmox Backup Server refused POST /config/prune (HTTP 401): authentication failed - invalid API token secret; " +
        `check that the token ${adminToken} exists, is enabled and not expired, and that tokenSecret is the value shown when it was made`,
    );
  });

  it("without a privilege is told which, where, and which role has it", async () => {
    const token = await tokenOf("audit", 0, [["/datastore/vms", "DatastoreAudit"]]);
    expect(await failureWith(token)).toBe(
      "Proxmox Backup Server refused POST /config/prune (HTTP 400): missing permissions 'Datastore.Modify' on '/datastore/vms'; " +
        "audit@pbs!lab needs Datastore.Modify on /datastore/vms, both the token and its user (role DatastoreAdmin): " +
        "proxmox-backup-manager acl update /datastore/vms DatastoreAdmin --auth-id 'audit@pbs!lab', and the same with 'audit@pbs'",
    );
  });

  it("without a privilege that the server does not name is told all the same", async () => {
    const token = await tokenOf("nobody");
    expect(await failureWith(token, { name: "vms", path: "/mnt/vms" }, "Datastore")).toBe(
      "Proxmox Backup Server refused POST /config/datastore (HTTP 403): permission check failed; " +
        "nobody@pbs!lab needs Datastore.Allocate on /datastore, both the token and its user (role Admin): " +
        "proxmox-backup-manager acl update /datastore Admin --auth-id 'nobody@pbs!lab', and the same with 'nobody@pbs'",
    );
  });
});

describe("an answer", () => {
  it("that is no JSON raises the question what answered", async () => {
    const url = await serverThat((_, response) => response.end("<html>welcome</html>"));
    expect(await failureWith({ url })).toBe(
      `${url} answered POST /config/prune with something that is not JSON; is it a Proxmox Backup Server, and the url without a path?`,
    );
  });

  it("that is JSON of another kind does too", async () => {
    const url = await serverThat((_, response) => response.end('{"data":null}'));
    const plugin = await openPlugin({ ...configOf(world), url });
    plugins.push(plugin);
    expect(await messageOf(plugin.invoke("getSnapshots", { store: "vms" }))).toBe(
      "the server answered with something else than a list of snapshots; is it a Proxmox Backup Server?",
    );
  });
});

describe("a secret", () => {
  const password = "planted-password-7341";
  const user = { userid: "planted@pbs", password, enable: true, expire: 0 };

  it("is repeated by no failure, whatever the server says", async () => {
    const echo: RequestListener = (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () =>
        response.writeHead(400).end(`${request.headers.authorization} ${Buffer.concat(chunks).toString()}`),
      );
    };
    const url = await serverThat(echo);
    const told = await failureWith({ url }, user, "User");
    expect(told).toMatch(/^Proxmox Backup Server refused POST \/access\/users \(HTTP 400\): .*\[secret\]/);
    expect(told).not.toContain(password);
    expect(told).not.toContain(world.adminSecret);
  });

  it("is repeated by no check", async () => {
    const { failures } = await admin.check("User", { ...user, password: "7341" });
    expect(failures).toEqual(["password: a password has at least 8 characters"]);
    const typed = await admin.check("User", { ...user, password: 73411234 });
    expect(typed.failures.join()).not.toContain("7341");
    const misplaced = await admin.check("User", { ...user, userid: "planted@pam" });
    expect(misplaced.failures.join()).not.toContain(password);
  });

  it("is no part of what the engine is told", () => {
    const told = [admin, ...plugins].flatMap((plugin) => plugin.told);
    expect(JSON.stringify(told)).not.toContain(password);
  });
});

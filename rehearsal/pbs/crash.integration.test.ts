import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { PbsClient } from "../../infra/pbs/client.ts";
import { awaitTask } from "../../infra/pbs/tasks.ts";
import { openCertificateAuthority, serverCertificate } from "../lib/tls.ts";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));
const tokenId = "root@pam!pulumi";
const tokenSecret = "0c8ccf0c-60b8-4a0d-9d5c-0c8b7a7a1a55";
let folder: string;
const started: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lab-pbs-crash-"));
  await writeFile(join(folder, "tokens.json"), JSON.stringify({ [tokenId]: tokenSecret }), { mode: 0o600 });
});
afterEach(async () => {
  for (const process of started) await end(process, "SIGKILL");
  await rm(folder, { recursive: true, force: true });
});

async function start(port = "0"): Promise<{ server: ChildProcess; client: PbsClient }> {
  const authority = await openCertificateAuthority(join(folder, "tls"));
  const names = { name: "pbs", ipAddresses: ["127.0.0.1"], dnsNames: [] };
  const { certPath, keyPath } = await serverCertificate(authority, join(folder, "tls"), names);
  const files = ["--state", join(folder, "state"), "--cert", certPath, "--key", keyPath];
  const server = spawn(
    process.execPath,
    [main, ...files, "--tokens", join(folder, "tokens.json"), "--port", port],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  started.push(server);
  for await (const url of createInterface({ input: server.stdout })) {
    return { server, client: new PbsClient({ url, tokenId, tokenSecret, caCertificate: authority.certPem }) };
  }
  throw new Error("the server ended without a word");
}

function end(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    server.once("exit", () => resolve());
    server.kill(signal);
  });
}

it("keeps everything that it has confirmed when it is killed, and starts again", {
  timeout: 60_000,
}, async () => {
  const first = await start();
  const confirmed: string[] = [];
  const writing = (async () => {
    for (let index = 0; ; index++) {
      const userid = `user-${index}@pbs`;
      await first.client.post("/access/users", { userid });
      confirmed.push(userid);
      if (confirmed.length === 25) void end(first.server, "SIGKILL");
    }
  })();
  await expect(writing).rejects.toThrow();
  await end(first.server, "SIGKILL");

  const second = await start();
  const { data } = await second.client.get("/access/users");
  const kept = (data as { userid: string }[]).map(({ userid }) => userid);
  expect(confirmed.length).toBeGreaterThanOrEqual(25);
  expect(kept).toEqual(expect.arrayContaining(confirmed));
  expect((await stat(join(folder, "state/state.json"))).mode & 0o777).toBe(0o600);
});

it("is followed by the provider through a restart, and says that a task was cut off", {
  timeout: 60_000,
}, async () => {
  const first = await start();
  // A remote that takes connections and never answers, so that the task does not end before the server does.
  const remote = createServer(() => undefined);
  remote.listen(0, "127.0.0.1");
  await once(remote, "listening");
  const connected = once(remote, "connection");
  try {
    const upid = await runningSync(first.client, (remote.address() as AddressInfo).port);
    const followed = awaitTask(first.client, upid);
    await Promise.race([followed, connected]);
    await end(first.server, "SIGKILL");
    await start(new URL(first.client.url).port);
    await expect(followed).rejects.toThrow(
      `task syncjob elsewhere:vms:vms::away was cut off when ${first.client.url} restarted, so how far it came is not known: ` +
        `run \`pulumi refresh\` to see what it has done, then \`pulumi up\` (${upid})`,
    );
  } finally {
    remote.close();
  }
});

async function runningSync(client: PbsClient, port: number): Promise<string> {
  const created = await client.post("/config/datastore", { name: "vms", path: "/mnt/vms" });
  await awaitTask(client, String(created.data));
  const login = { "auth-id": "sync@pbs", password: "secret", fingerprint: Array(32).fill("AA").join(":") };
  await client.post("/config/remote", { name: "elsewhere", host: "127.0.0.1", port, ...login });
  await client.post("/config/sync", { id: "away", store: "vms", remote: "elsewhere", "remote-store": "vms" });
  return String((await client.post("/admin/sync/away/run", {})).data);
}

it("ends at once when asked to", { timeout: 60_000 }, async () => {
  const { server } = await start();
  await end(server, "SIGTERM");
  expect(server.exitCode).toBe(0);
});

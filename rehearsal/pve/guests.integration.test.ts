import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer as createHttpServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { Agent, fetch as fetchWith } from "undici";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cleanup } from "../guests/cleanup.ts";
import { ensureBridge, findFreeSubnet, linksWithPrefix } from "../guests/network.ts";
import { buildImage, type GuestImage } from "../image/build.ts";
import { writeJson } from "../lib/files.ts";
import { freePort } from "../lib/ports.ts";
import { isAlive, type ProcessRecord, signalProcess, startDetached, stopProcess } from "../lib/process.ts";
import { openCertificateAuthority, serverCertificate } from "../lib/tls.ts";
import { waitFor } from "../lib/wait.ts";
import { adminToken, TestClient, testConfig } from "./testing.ts";

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn("the simulator is not tested with guests: that needs root");

const instanceId = randomBytes(4).toString("hex");
const cacheDir = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "astronomy-lab");
const main = fileURLToPath(new URL("./main.ts", import.meta.url));

describe.skipIf(!isRoot)("a simulated cluster with a guest", { timeout: 120_000 }, () => {
  let folder: string;
  let state: string;
  let image: GuestImage;
  let mirror: Server;
  let mirrorUrl: string;
  let guestAddress: string;
  let port: number;
  let simulator: ProcessRecord;
  let client: TestClient;
  let trust: Agent;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "lab-pve-"));
    state = join(folder, "pve");
    image = await buildImage({ cacheDir });
    mirror = createHttpServer(async (_, response) => response.end(await readFile(image.path)));
    await new Promise<void>((resolve) => mirror.listen(0, "127.0.0.1", resolve));
    mirrorUrl = `http://127.0.0.1:${(mirror.address() as AddressInfo).port}/guest.raw`;
    const hostAddress = await findFreeSubnet(instanceId);
    guestAddress = hostAddress.replace(/\.1$/, ".12");
    const bridge = await ensureBridge({ instanceId, hostAddress });
    const config = testConfig({ instanceId, bridges: { vmbr0: bridge } });
    await writeJson(join(folder, "config.json"), config, { mode: 0o600 });
    const authority = await openCertificateAuthority(join(folder, "tls"));
    await serverCertificate(authority, join(folder, "tls"), {
      name: "pve",
      ipAddresses: ["127.0.0.1"],
      dnsNames: [],
    });
    trust = new Agent({ connect: { ca: authority.certPem } });
    port = await freePort();
    client = new TestClient(`https://127.0.0.1:${port}`, adminToken, (url, init) =>
      fetchWith(url, { ...init, dispatcher: trust } as Parameters<typeof fetchWith>[1]),
    );
    await startSimulator();
    for (const name of ["host", "user"]) {
      await execa("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", join(folder, name)]);
    }
  }, 300_000);

  afterAll(async () => {
    if (simulator !== undefined) await stopProcess(simulator, 10);
    await cleanup(instanceId, state);
    await trust?.close();
    mirror?.closeAllConnections();
    mirror?.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function startSimulator(): Promise<void> {
    const tls = (name: string) => join(folder, "tls", name);
    simulator = await startDetached({
      name: "pve",
      argv: [process.execPath, main, "--state", state, "--config", join(folder, "config.json")].concat([
        "--cert",
        tls("pve.pem"),
        "--key",
        tls("pve.key"),
        "--port",
        String(port),
      ]) as [string, ...string[]],
      log: join(folder, "pve.log"),
    });
    await waitFor(async () => (await client.call("GET", "/version")).status === 200, {
      what: "the API",
      timeoutSeconds: 20,
    }).catch(async (error: unknown) => {
      throw new Error(`${String(error)}\n${await readFile(join(folder, "pve.log"), "utf8")}`);
    });
  }

  const vm = "/nodes/pve1/qemu/112";
  const status = async () => (await client.ok<{ status: string }>("GET", `${vm}/status/current`)).status;
  const ssh = (...command: string[]) =>
    execa(
      "ssh",
      ["-i", join(folder, "user"), "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"].concat(
        ["-o", `UserKnownHostsFile=${join(folder, "known_hosts")}`, "-o", "ConnectTimeout=3"],
        [`deploy@${guestAddress}`, ...command],
      ),
    );

  test("an image is downloaded and a guest made of it answers SSH with the key it was given", async () => {
    const userKey = (await readFile(join(folder, "user.pub"), "utf8")).trim();
    const hostKey = (await readFile(join(folder, "host.pub"), "utf8")).trim();
    const hostPrivate = (await readFile(join(folder, "host"), "utf8")).replaceAll(/^/gm, "    ").trimEnd();
    await writeFile(join(folder, "known_hosts"), `${guestAddress} ${hostKey}\n`);
    const userData = [
      "#cloud-config",
      "hostname: proj-x01",
      "package_update: false",
      "packages: [qemu-guest-agent, curl]",
      `ssh_keys:\n  ed25519_private: |\n${hostPrivate}\n  ed25519_public: ${hostKey}`,
      `users:\n  - name: deploy\n    ssh_authorized_keys: ['${userKey}']`,
      "runcmd: [[systemctl, enable, --now, qemu-guest-agent]]",
      "write_files:\n  - {path: /etc/from-cloud-init, content: delivered}",
      "",
    ].join("\n");
    expect((await client.snippet("PUT", "pve1/snippets/local/x01.yaml", userData)).status).toBe(200);
    const fetched = await client.task("POST", "/nodes/pve1/storage/local/download-url", {
      url: mirrorUrl,
      content: "import",
      filename: "guest.raw",
      checksum: image.sha256,
      "checksum-algorithm": "sha256",
    });
    expect(fetched).toBe("OK");
    const made = await client.task("POST", "/nodes/pve1/qemu", {
      vmid: 112,
      name: "proj-x01",
      memory: 1024,
      cores: 1,
      agent: 1,
      scsihw: "virtio-scsi-single",
      scsi0: "local-lvm:0,import-from=local:import/guest.raw",
      ide2: "local-lvm:cloudinit",
      boot: "order=scsi0",
      serial0: "socket",
      vga: "serial0",
      net0: "virtio,bridge=vmbr0",
      ipconfig0: `ip=${guestAddress}/24,gw=${guestAddress.replace(/12$/, "1")}`,
      cicustom: "user=local:snippets/x01.yaml",
      tags: "lab;test",
    });
    expect(made).toBe("OK");
    expect(await client.task("POST", `${vm}/status/start`)).toBe("OK");
    expect(await status()).toBe("running");
    const answer = await waitFor(() => ssh("cat", "/etc/from-cloud-init"), {
      what: "SSH",
      timeoutSeconds: 60,
    });
    expect(answer.stdout).toBe("delivered");
    expect((await ssh("cloud-init", "status", "--wait")).stdout).toMatch(/status: done$/);
    expect((await ssh("hostname")).stdout).toBe("proj-x01");
  });

  test("the agent answers: ping, addresses, a command with its output", async () => {
    expect(await client.ok("POST", `${vm}/agent/ping`)).toEqual({ result: {} });
    const { net0 } = await client.ok<{ net0: string }>("GET", `${vm}/config`);
    const { result } = await client.ok<{ result: { name: string; "hardware-address": string }[] }>(
      "GET",
      `${vm}/agent/network-get-interfaces`,
    );
    const eth0 = result.find((link) => link.name === "eth0");
    expect(JSON.stringify(eth0)).toContain(guestAddress);
    expect(net0.toLowerCase()).toContain(eth0?.["hardware-address"]);
    const { pid } = await client.ok<{ pid: number }>("POST", `${vm}/agent/exec`, {
      command: ["sh", "-c", "cat; exit 7"],
      "input-data": "to the guest",
    });
    const done = await waitFor(
      async () => {
        const answer = await client.ok<{ exited: number }>("GET", `${vm}/agent/exec-status`, { pid });
        return answer.exited === 1 ? answer : undefined;
      },
      { what: "the command", timeoutSeconds: 20 },
    );
    expect(done).toEqual({ exited: 1, exitcode: 7, "out-data": "to the guest" });
    const again = await client.call("GET", `${vm}/agent/exec-status`, { pid });
    expect(again.reason).toBe("Agent error: Invalid parameter 'pid'");
  });

  test("a killed simulator finds its guest running again", async () => {
    await signalProcess(simulator, "SIGKILL");
    await waitFor(async () => !(await isAlive(simulator)), { what: "the kill", timeoutSeconds: 10 });
    expect((await ssh("true")).exitCode).toBe(0);
    await startSimulator();
    expect(await status()).toBe("running");
    expect(await client.task("POST", `${vm}/status/start`)).toBe("VM 112 already running");
    expect((await client.call("DELETE", vm)).reason).toBe("VM 112 is running - destroy failed");
  });

  test("a reboot keeps the disk; a bridge that is not there keeps a guest from starting", async () => {
    const { stdout: machineId } = await ssh("cat", "/etc/machine-id");
    await ssh("sh", "-c", "'echo kept > note; sync'");
    expect(await client.task("POST", `${vm}/status/reboot`, { timeout: 60 })).toBe("OK");
    const note = await waitFor(() => ssh("cat", "note", "/etc/machine-id"), {
      what: "SSH",
      timeoutSeconds: 60,
    });
    expect(note.stdout).toBe(`kept\n${machineId}`);
    expect(await client.task("POST", `${vm}/status/shutdown`, { timeout: 60 })).toBe("OK");
    expect(await status()).toBe("stopped");
    await client.ok("PUT", `${vm}/config`, { net1: "virtio,bridge=vmbr7" });
    expect(await client.task("POST", `${vm}/status/start`)).toBe("bridge 'vmbr7' does not exist");
    await client.ok("PUT", `${vm}/config`, { delete: "net1" });
    expect(await client.task("POST", `${vm}/status/start`)).toBe("OK");
  });

  test("stopped, removed and cleaned up, nothing is left", async () => {
    expect(await client.task("POST", `${vm}/status/stop`)).toBe("OK");
    expect(await client.task("DELETE", vm, { purge: 1, "destroy-unreferenced-disks": 1 })).toBe("OK");
    expect(existsSync(join(state, "guests", "112"))).toBe(false);
    await stopProcess(simulator, 10);
    await cleanup(instanceId, state);
    expect(await readFile("/proc/self/mountinfo", "utf8")).not.toContain(state);
    expect(await linksWithPrefix(`lab${instanceId}`)).toEqual([]);
    expect(await linksWithPrefix(`v${instanceId}`)).toEqual([]);
    const { stdout } = await execa("ps", ["-eo", "args"]);
    expect(stdout).not.toContain(state);
    expect(stdout).not.toContain(`lab${instanceId}`);
  });
});

import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildImage } from "../image/build.ts";
import { isAlive, type ProcessRecord } from "../lib/process.ts";
import { waitFor } from "../lib/wait.ts";
import { pidsInCgroups } from "./cgroup.ts";
import { cleanup } from "./cleanup.ts";
import { execInGuest } from "./exec.ts";
import { consoleTail, deleteGuest, guestProcess, shutdownGuest, startGuest } from "./guest.ts";
import { keepImage, loopsUnder, mountImage, mountPointsUnder } from "./mounts.ts";
import { ensureBridge, findFreeSubnet, linksWithPrefix } from "./network.ts";

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn("guests are not tested: they need root");

const instanceId = randomBytes(4).toString("hex");
const cacheDir = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "astronomy-lab");

describe.skipIf(!isRoot)("guests", { timeout: 120_000 }, () => {
  let stateFolder: string;
  let image: string;
  let hostAddress: string;
  let bridge: string;
  const place = (vmid: number) => ({ instanceId, vmid, folder: join(stateFolder, "guests", String(vmid)) });

  beforeAll(async () => {
    stateFolder = await mkdtemp(join(tmpdir(), "lab-guests-"));
    const built = await buildImage({ cacheDir });
    const images = join(stateFolder, "images");
    await keepImage(images, built.path, built.sha256);
    image = await mountImage(images, built.sha256);
    hostAddress = await findFreeSubnet(instanceId);
    bridge = await ensureBridge({ instanceId, hostAddress });
  }, 300_000);

  afterAll(async () => {
    await cleanup(instanceId, stateFolder);
    await rm(stateFolder, { recursive: true, force: true });
  });

  const addressOf = (vmid: number) => hostAddress.replace(/\.1$/, `.${vmid}`);
  const start = (vmid: number): Promise<ProcessRecord> =>
    startGuest(place(vmid), {
      image,
      uuid: `00000000-0000-4000-8000-${String(vmid).padStart(12, "0")}`,
      nics: [{ name: "eth0", macAddress: `bc:24:11:00:00:${(vmid % 90) + 10}`, bridge }],
      limits: { memoryBytes: 1 << 30, cpus: 1 },
      seed: {
        userData: `#cloud-config\nhostname: guest-${vmid}\npackage_update: false\npackages: [postgresql-15, pgbackrest, curl]\n`,
        metaData: `instance-id: i-${vmid}\n`,
        networkConfig: [
          "version: 1",
          "config:",
          "  - type: physical",
          "    name: eth0",
          `    mac_address: 'bc:24:11:00:00:${(vmid % 90) + 10}'`,
          `    subnets: [{type: static, address: '${addressOf(vmid)}', netmask: 255.255.255.0, gateway: ${hostAddress}}]`,
          "",
        ].join("\n"),
      },
    });
  const booted = (vmid: number) =>
    waitFor(async () => (await execInGuest(place(vmid), ["cloud-init", "status"])).stdout.includes("done"), {
      what: `guest ${vmid}'s cloud-init`,
      timeoutSeconds: 60,
    }).catch(async (error: unknown) => {
      throw new Error(`${String(error)}\n${await consoleTail(place(vmid))}`);
    });

  test("a guest boots with its cloud-init data, packages installed, no unit failed", async () => {
    await start(21);
    await booted(21);
    const status = await execInGuest(place(21), ["cloud-init", "status", "--long"]);
    expect(status.stdout).toMatch(/^status: done$/m);
    expect(status.stdout).not.toMatch(/error|degraded/i);
    const failed = await execInGuest(place(21), ["systemctl", "--failed", "--plain", "--no-legend"]);
    expect(failed.stdout).toBe("");
    expect((await execInGuest(place(21), ["hostname"])).stdout).toBe("guest-21\n");
    const address = await execInGuest(place(21), ["ip", "-4", "-o", "addr", "show", "eth0"]);
    expect(address.stdout).toContain(`${addressOf(21)}/24`);
    const log = await execInGuest(place(21), ["grep", "-c", "WARNING", "/var/log/cloud-init.log"]);
    expect(log.stdout).toBe("0\n");
    const machineId = await execInGuest(place(21), ["cat", "/etc/machine-id"]);
    expect(machineId.stdout).toBe("00000000000040008000000000000021\n");
  });

  test("a command in a guest gets its input and gives code and output", async () => {
    const result = await execInGuest(place(21), ["sh", "-c", "cat; echo oops >&2; exit 3"], {
      input: "hello",
    });
    expect(result).toEqual({ exitCode: 3, signal: undefined, stdout: "hello", stderr: "oops\n" });
    const asPostgres = await execInGuest(place(21), ["id", "-un"], { user: "postgres" });
    expect(asPostgres.stdout).toBe("postgres\n");
  });

  test("a guest may tune its network and use nftables, and has no way out", async () => {
    const sysctl = await execInGuest(place(21), ["sysctl", "-w", "net.ipv4.tcp_keepalive_time=61"]);
    expect(sysctl.exitCode).toBe(0);
    expect((await execInGuest(place(21), ["nft", "add", "table", "inet", "t"])).exitCode).toBe(0);
    const forwarding = await execa("cat", [`/proc/sys/net/ipv4/conf/${bridge}/forwarding`]);
    expect(forwarding.stdout).toBe("0");
  });

  test("two guests reach each other; a shutdown keeps the disk, a delete does not", async () => {
    await start(22);
    await booted(22);
    const reach = await execInGuest(place(21), [
      "bash",
      "-c",
      `exec 3<>/dev/tcp/${addressOf(22)}/22; head -c 4 <&3`,
    ]);
    expect(reach.stdout).toBe("SSH-");
    await execInGuest(place(22), ["sh", "-c", "echo kept > /root/note; sync"]);
    expect(await shutdownGuest(place(22), 60)).toBe(true);
    expect(await guestProcess(place(22))).toBeUndefined();
    await start(22);
    await booted(22);
    expect((await execInGuest(place(22), ["cat", "/root/note"])).stdout).toBe("kept\n");
    await deleteGuest(place(22));
    expect(existsSync(place(22).folder)).toBe(false);
    expect(await pidsInCgroups(instanceId, 22)).toEqual([]);
  });

  test("starting a guest twice is refused", async () => {
    await expect(start(21)).rejects.toThrow("guest 21 is already running");
  });

  test("a guest that cannot start says why and leaves nothing", async () => {
    const spec = { image: "/no/such/image", uuid: "00000000-0000-4000-8000-000000000023", nics: [] };
    const seed = { userData: "", metaData: "", networkConfig: "" };
    await expect(startGuest(place(23), { ...spec, seed })).rejects.toThrow(/guest 23 ended[\s\S]*mount/);
    expect(await pidsInCgroups(instanceId, 23)).toEqual([]);
  });

  test("after a kill of the container's supervisor, cleanup leaves nothing of the checkout", async () => {
    await start(24);
    const record = await guestProcess(place(21));
    if (record === undefined) throw new Error("guest 21 should run");
    process.kill(record.pid, "SIGKILL");
    await waitFor(async () => !(await isAlive(record)), { what: "the kill", timeoutSeconds: 10 });
    const report = await cleanup(instanceId, stateFolder);
    expect(report.interfaces).toContain(bridge);
    expect(report.mounts).toEqual([image]);
    expect(await pidsInCgroups(instanceId)).toEqual([]);
    expect(await mountPointsUnder(stateFolder)).toEqual([]);
    expect(await linksWithPrefix(`v${instanceId}`)).toEqual([]);
    expect(await linksWithPrefix(bridge)).toEqual([]);
    expect(await loopsUnder(stateFolder)).toEqual([]);
    const groups = await execa("find", ["/sys/fs/cgroup", "-maxdepth", "2", "-name", bridge]);
    expect(groups.stdout).toBe("");
    const folders = await readdir("/run/systemd/nspawn/propagate").catch(() => []);
    expect(folders.filter((name) => name.startsWith(bridge))).toEqual([]);
    expect(await cleanup(instanceId, stateFolder)).toEqual({
      processes: 0,
      mounts: [],
      loopDevices: [],
      interfaces: [],
    });
  });
});

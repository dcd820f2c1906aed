import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isAlive, type ProcessRecord, readProcessRecord, startDetached } from "../lib/process.ts";
import { waitFor } from "../lib/wait.ts";
import { type GuestLimits, makeGuestCgroups, pidsInCgroups, removeCgroups, thawCgroups } from "./cgroup.ts";
import { type InstanceId, machineName, peerName } from "./names.ts";

/** One guest of one checkout and the folder that is its disk. */
export interface GuestPlace {
  instanceId: InstanceId;
  vmid: number;
  /** Holds the disk (`upper`), the console's log and the process record. */
  folder: string;
}

/** A network interface of a guest. */
export interface GuestNic {
  /** Name inside the guest, e.g. eth0. */
  name: string;
  macAddress: string;
  /** Bridge on this host, see network.ts. */
  bridge: string;
  mtu?: number;
}

/** cloud-init's NoCloud seed. */
export interface CloudInitSeed {
  userData: string;
  metaData: string;
  networkConfig: string;
  vendorData?: string;
}

/** What {@link startGuest} needs beyond the place. */
export interface GuestSpec {
  /** Mount point of the read-only image, see mounts.ts. */
  image: string;
  nics: GuestNic[];
  seed: CloudInitSeed;
  /** Becomes the guest's machine-id, so that it stays the same across starts. */
  uuid: string;
  limits?: GuestLimits;
}

const seedFolder = "var/lib/cloud/seed/nocloud";

/**
 * Starts a guest: a systemd container over an overlay of the image, detached from this process, with interfaces
 * named and addressed as on Proxmox. Returns once its init runs. Fails with the console's last lines.
 */
export async function startGuest(place: GuestPlace, spec: GuestSpec): Promise<ProcessRecord> {
  if ((await guestProcess(place)) !== undefined) {
    throw new Error(`guest ${place.vmid} is already running`);
  }
  await killGuest(place);
  for (const folder of ["upper", "work", "merged"])
    await mkdir(join(place.folder, folder), { recursive: true });
  await writeSeed(place, spec.seed);
  const procsFiles = await makeGuestCgroups(place.instanceId, place.vmid, spec.limits ?? {});
  const record = await startDetached({
    name: machineName(place.instanceId, place.vmid),
    argv: [
      "unshare",
      "--mount",
      "--propagation",
      "private",
      "--net",
      ...launchArguments(place, spec, procsFiles),
    ],
    log: consoleLog(place),
    recordPath: recordPath(place),
    env: {
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      // A guest may tune its own network namespace, as a virtual machine may.
      SYSTEMD_NSPAWN_API_VFS_WRITABLE: "network",
    },
  });
  try {
    await waitFor(
      async () => {
        if ((await leaderPid(place)) !== undefined) return "up";
        return (await isAlive(record)) ? undefined : "ended";
      },
      { what: `guest ${place.vmid} to start its init`, timeoutSeconds: 30, intervalMs: 20 },
    );
    if (!(await isAlive(record))) throw new Error(`guest ${place.vmid} ended while it started`);
  } catch (error) {
    const tail = await consoleTail(place);
    await killGuest(place);
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${tail}`);
  }
  return record;
}

/** The guest's process where it runs, also when an earlier program started it. */
export async function guestProcess(place: GuestPlace): Promise<ProcessRecord | undefined> {
  const record = await readProcessRecord(recordPath(place));
  return record !== undefined && (await isAlive(record)) ? record : undefined;
}

/** Pid, as this host sees it, of the guest's init; `undefined` where the guest does not run. */
export async function leaderPid(place: GuestPlace): Promise<number | undefined> {
  const record = await guestProcess(place);
  if (record === undefined) return undefined;
  for (const pid of await pidsInCgroups(place.instanceId, place.vmid)) {
    const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
    const isInit = /^NSpid:\s+\d+.*\s1$/m.test(status);
    if (isInit && /^PPid:\s+(\d+)$/m.exec(status)?.[1] === String(record.pid)) return pid;
  }
  return undefined;
}

/**
 * Asks the guest's init for an orderly shutdown and waits.
 *
 * @returns false where it still runs after the timeout
 */
export async function shutdownGuest(place: GuestPlace, timeoutSeconds: number): Promise<boolean> {
  const record = await guestProcess(place);
  if (record === undefined) return true;
  // nspawn passes SIGTERM on as SIGRTMIN+3, systemd's "halt".
  process.kill(record.pid, "SIGTERM");
  try {
    await waitFor(async () => !(await isAlive(record)), {
      what: `guest ${place.vmid} to shut down`,
      timeoutSeconds,
    });
  } catch {
    return false;
  }
  await killGuest(place);
  return true;
}

/** Ends a guest at once, as pulling the plug does; does nothing where it does not run. */
export async function killGuest(place: GuestPlace): Promise<void> {
  const record = await guestProcess(place);
  if (record !== undefined) killIfThere(record.pid);
  await killCgroup(place.instanceId, place.vmid);
  await rm(recordPath(place), { force: true });
}

/** Kills everything in a guest's groups, or in all of the checkout's, and removes the groups. */
export async function killCgroup(instanceId: InstanceId, vmid?: number): Promise<number> {
  let killed = 0;
  await waitFor(
    async () => {
      const pids = await pidsInCgroups(instanceId, vmid);
      for (const pid of pids) killed += killIfThere(pid);
      // A backup that was interrupted leaves its guest frozen; thawed after the signals, it does nothing but end.
      await thawCgroups(instanceId, vmid);
      return pids.length === 0;
    },
    {
      what: `the processes of ${vmid === undefined ? "all guests" : `guest ${vmid}`} to end`,
      timeoutSeconds: 20,
    },
  );
  await removeCgroups(instanceId, vmid);
  return killed;
}

/** Ends a guest and removes its disk. */
export async function deleteGuest(place: GuestPlace): Promise<void> {
  await killGuest(place);
  await rm(place.folder, { recursive: true, force: true, maxRetries: 3 });
}

/** The last lines of a guest's console. */
export async function consoleTail(place: GuestPlace, lines = 20): Promise<string> {
  const text = await readFile(consoleLog(place), "utf8").catch(() => "");
  return text.trimEnd().split("\n").slice(-lines).join("\n");
}

function launchArguments(place: GuestPlace, spec: GuestSpec, procsFiles: string[]): string[] {
  const launch = fileURLToPath(new URL("./launch.sh", import.meta.url));
  const nics = spec.nics.flatMap((nic, index) => [
    "nic",
    nic.name,
    nic.macAddress,
    peerName(place.instanceId, place.vmid, index),
    nic.bridge,
    nic.mtu === undefined ? "-" : String(nic.mtu),
  ]);
  const container = [
    "systemd-nspawn",
    "--quiet",
    "--directory=merged",
    `--machine=${machineName(place.instanceId, place.vmid)}`,
    `--uuid=${spec.uuid}`,
    "--register=no",
    "--keep-unit",
    // The namespace that launch.sh set up is the guest's; these keep the host's settings out of it.
    "--capability=CAP_NET_ADMIN",
    "--resolv-conf=off",
    "--timezone=off",
    "--link-journal=no",
    "--console=read-only",
    "--boot",
  ];
  const cgroups = procsFiles.flatMap((file) => ["cgroup", file]);
  return [
    "sh",
    launch,
    place.folder,
    spec.image,
    String(process.pid),
    ...cgroups,
    ...nics,
    "--",
    ...container,
  ];
}

/** The overlay is not mounted here, so its upper layer can be written. */
async function writeSeed(place: GuestPlace, seed: CloudInitSeed): Promise<void> {
  const folder = join(place.folder, "upper", seedFolder);
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const files = {
    "user-data": seed.userData,
    "meta-data": seed.metaData,
    "network-config": seed.networkConfig,
    ...(seed.vendorData === undefined ? {} : { "vendor-data": seed.vendorData }),
  };
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(folder, name), content, { mode: 0o600 });
  }
}

function killIfThere(pid: number): number {
  try {
    process.kill(pid, "SIGKILL");
    return 1;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return 0;
    throw error;
  }
}

function recordPath(place: GuestPlace): string {
  return join(place.folder, "process.json");
}

function consoleLog(place: GuestPlace): string {
  return join(place.folder, "console.log");
}

import { mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isMissing } from "../lib/files.ts";
import { waitFor } from "../lib/wait.ts";
import { bridgeName, type InstanceId } from "./names.ts";

/** What a guest may use at most. */
export interface GuestLimits {
  memoryBytes?: number;
  /** Number of processors, fractions allowed. */
  cpus?: number;
}

const mountPoint = "/sys/fs/cgroup";
const cpuPeriodUs = 100_000;

/**
 * Makes a control group for one guest in every hierarchy (version 1, hybrid or 2), with its limits. Each guest
 * needs its own, or the init systems of two guests would share one tree. Limits of controllers that this kernel
 * does not offer are left out.
 *
 * @returns the files into which the guest's first process writes its pid
 */
export async function makeGuestCgroups(
  instanceId: InstanceId,
  vmid: number,
  limits: GuestLimits,
): Promise<string[]> {
  const procsFiles: string[] = [];
  for (const hierarchy of await hierarchies()) {
    const parent = join(hierarchy, bridgeName(instanceId));
    const group = join(parent, String(vmid));
    await mkdir(group, { recursive: true });
    for (const [child, from] of [
      [parent, hierarchy],
      [group, parent],
    ] as const) {
      await enableControllers(from);
      await inheritCpuset(child, from);
    }
    await setLimits(group, limits);
    procsFiles.push(join(group, "cgroup.procs"));
  }
  if (procsFiles.length === 0) throw new Error(`no control groups are mounted at ${mountPoint}`);
  return procsFiles;
}

/**
 * Stops everything in a guest's groups where it stands, or lets it go on. Fails where this kernel cannot.
 *
 * @returns once nothing of it runs any more, or everything may again
 */
export async function setFrozen(instanceId: InstanceId, vmid: number, isFrozen: boolean): Promise<void> {
  for (const hierarchy of await hierarchies()) {
    const group = join(hierarchy, bridgeName(instanceId), String(vmid));
    const old = join(group, "freezer.state");
    const unified = join(group, "cgroup.freeze");
    if ((await readIfThere(old)) !== undefined) {
      const state = isFrozen ? "FROZEN" : "THAWED";
      await writeFile(old, state);
      return waitUntil(old, (text) => text.trim() === state);
    }
    if ((await readIfThere(unified)) !== undefined) {
      await writeFile(unified, isFrozen ? "1" : "0");
      return waitUntil(join(group, "cgroup.events"), (text) => text.includes(`frozen ${isFrozen ? 1 : 0}`));
    }
  }
  // Of a guest that was ended while it was frozen nothing is left.
  if (isFrozen) throw new Error("this kernel offers no control group to freeze a guest with");
}

/**
 * Lets everything go on in a guest's groups, or in all of the checkout's, also in those that the guest made itself.
 * What a version 1 freezer holds takes no signal before, not even the one that ends it.
 */
export async function thawCgroups(instanceId: InstanceId, vmid?: number): Promise<void> {
  for (const folder of await folders(instanceId, vmid)) {
    for (const [name, thawed] of [
      ["freezer.state", "THAWED"],
      ["cgroup.freeze", "0"],
    ] as const) {
      const file = join(folder, name);
      if ((await readIfThere(file)) !== undefined) await writeFile(file, thawed).catch(() => undefined);
    }
  }
}

async function waitUntil(file: string, isThere: (text: string) => boolean): Promise<void> {
  await waitFor(async () => isThere((await readIfThere(file)) ?? ""), {
    what: `${file} to follow`,
    timeoutSeconds: 20,
    intervalMs: 10,
  });
}

/** Pids of everything that runs in a guest's, or where no guest is named in any of the checkout's, groups. */
export async function pidsInCgroups(instanceId: InstanceId, vmid?: number): Promise<number[]> {
  const pids = new Set<number>();
  for (const folder of await folders(instanceId, vmid)) {
    const text = await readFile(join(folder, "cgroup.procs"), "utf8").catch(() => "");
    for (const line of text.split("\n")) if (Number(line) > 0) pids.add(Number(line));
  }
  return [...pids];
}

/**
 * Removes the empty groups of a guest, or of the whole checkout. One that still holds a process stays.
 *
 * @returns how many were removed
 */
export async function removeCgroups(instanceId: InstanceId, vmid?: number): Promise<number> {
  let removed = 0;
  for (const folder of await folders(instanceId, vmid)) {
    removed += await rmdir(folder).then(
      () => 1,
      () => 0,
    );
  }
  return removed;
}

async function hierarchies(): Promise<string[]> {
  if (await holdsProcesses(mountPoint)) return [mountPoint];
  const found: string[] = [];
  for (const name of await entries(mountPoint)) {
    const folder = join(mountPoint, name);
    if (await holdsProcesses(folder)) found.push(folder);
  }
  return found;
}

/** Deepest first, so that they can be removed in this order. */
async function folders(instanceId: InstanceId, vmid?: number): Promise<string[]> {
  const found: string[] = [];
  const walk = async (folder: string): Promise<void> => {
    if (!(await holdsProcesses(folder))) return;
    for (const name of await entries(folder)) await walk(join(folder, name));
    found.push(folder);
  };
  for (const hierarchy of await hierarchies()) {
    const parent = join(hierarchy, bridgeName(instanceId));
    await walk(vmid === undefined ? parent : join(parent, String(vmid)));
  }
  return found;
}

async function entries(folder: string): Promise<string[]> {
  const found = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return found.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

async function holdsProcesses(folder: string): Promise<boolean> {
  return (await readIfThere(join(folder, "cgroup.procs"))) !== undefined;
}

/** Version 2 hands a controller to children only when told to. */
async function enableControllers(folder: string): Promise<void> {
  const available = (await readIfThere(join(folder, "cgroup.controllers"))) ?? "";
  for (const controller of ["memory", "cpu"]) {
    if (!available.split(/\s+/).includes(controller)) continue;
    await writeFile(join(folder, "cgroup.subtree_control"), `+${controller}`).catch(() => undefined);
  }
}

/** A new version 1 cpuset group has no processors, and refuses processes until it has some. */
async function inheritCpuset(child: string, parent: string): Promise<void> {
  for (const name of ["cpuset.cpus", "cpuset.mems"]) {
    const own = await readIfThere(join(child, name));
    const inherited = await readIfThere(join(parent, name));
    if (own?.trim() === "" && inherited)
      await writeFile(join(child, name), inherited.trim()).catch(() => undefined);
  }
}

async function setLimits(group: string, limits: GuestLimits): Promise<void> {
  const settings: [string, string][] = [];
  if (limits.memoryBytes !== undefined) {
    settings.push(["memory.limit_in_bytes", String(limits.memoryBytes)]);
    settings.push(["memory.max", String(limits.memoryBytes)]);
  }
  if (limits.cpus !== undefined) {
    const quotaUs = Math.round(limits.cpus * cpuPeriodUs);
    settings.push(["cpu.cfs_quota_us", String(quotaUs)]);
    settings.push(["cpu.max", `${quotaUs} ${cpuPeriodUs}`]);
  }
  for (const [name, value] of settings) {
    const file = join(group, name);
    if ((await readIfThere(file)) !== undefined) await writeFile(file, value).catch(() => undefined);
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isMissing(error) || (error instanceof Error && "code" in error)) return undefined;
    throw error;
  }
}

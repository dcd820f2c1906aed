import { createReadStream } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setFrozen } from "../guests/cgroup.ts";
import { archiveDisk, type Layer } from "../guests/disk-archive.ts";
import { imageFile } from "../guests/mounts.ts";
import { type BackupSession, openBackup } from "../pbs/backup-client.ts";
import { failure } from "./errors.ts";
import { changeBackup, reasonOf, targetOf, volidOf } from "./pbs-storage.ts";
import { parsePropertyString } from "./property-string.ts";
import { backedUpDrives, formatConf } from "./qemu-conf.ts";
import { guestPlace, imagesFolder, nowSeconds, type Simulator, vmOf } from "./simulator.ts";
import type { TaskLog } from "./tasks.ts";
import { isRunning, powerDown, powerOn } from "./vm-power.ts";

/** Name of the archive with what the guest wrote over its image. */
export const layerArchive = "guest-layer.tar.didx";

/** How one guest is backed up. */
export interface GuestBackup {
  readonly storage: string;
  readonly mode: "snapshot" | "suspend" | "stop";
  /** With the product's variables, such as `{{guestname}}`. */
  readonly notesTemplate: string | undefined;
  readonly isProtected: boolean;
}

/** The part of a guest's disk that is its own. */
export function layerOf(sim: Simulator): Layer {
  return sim.config.guests.kind === "records" ? "root" : "upper";
}

/**
 * Backs one guest up: its configuration, the image under its disk and all that it wrote over it, so that it can be
 * restored on a cluster that knows nothing of it. A failure leaves no backup and no lock.
 */
export async function backUpGuest(
  sim: Simulator,
  node: string,
  vmid: number,
  wanted: GuestBackup,
  log: TaskLog,
): Promise<void> {
  await sim.locks.with(vmid, () => lock(sim, node, vmid));
  try {
    await writeBackup(sim, node, vmid, wanted, log);
  } finally {
    await sim.store.update((state) => {
      delete state.vms[vmid]?.config.lock;
    });
  }
}

async function lock(sim: Simulator, node: string, vmid: number): Promise<void> {
  const { config } = vmOf(sim, node, vmid);
  if (config.lock !== undefined) throw failure(`VM is locked (${config.lock})`);
  await sim.store.update((state) => {
    const target = state.vms[vmid];
    if (target !== undefined) target.config.lock = "backup";
  });
}

async function writeBackup(
  sim: Simulator,
  node: string,
  vmid: number,
  wanted: GuestBackup,
  log: TaskLog,
): Promise<void> {
  const vm = vmOf(sim, node, vmid);
  const place = guestPlace(sim, vmid);
  const wasRunning = await isRunning(place);
  const staged = join(sim.folder, "tmp", `vzdump-${vmid}.tar`);
  describe(vm.config, wasRunning, wanted.mode, log);
  if (Object.keys(vm.snapshots ?? {}).length > 0) log("INFO: snapshots found (not included into backup)");
  const snapshot = { type: "vm", id: String(vmid), time: nowSeconds(sim) } as const;
  const target = await targetOf(sim, wanted.storage, node);
  if (wanted.mode === "stop" && wasRunning) {
    log("INFO: stopping virtual guest");
    await powerDown(place, { timeoutSeconds: 600, forceStop: false }, log);
  }
  const restart = async () => {
    if (wanted.mode !== "stop" || !wasRunning) return;
    log("INFO: starting kvm to execute backup task");
    await powerOn(sim, node, vmid, log);
  };
  log(`INFO: creating Proxmox Backup Server archive 'vm/${vmid}/${volidOf("", snapshot).split("/").at(-1)}'`);
  if (target.encryptionKey !== undefined) log("INFO: enabling encryption");
  let session: BackupSession | undefined;
  try {
    await mkdir(join(sim.folder, "tmp"), { recursive: true });
    try {
      session = await openBackup(target, snapshot).catch((error: unknown) => {
        const reason = `backup connect failed: command error: ${reasonOf(error)}`;
        throw failure(`VM ${vmid} qmp command 'backup' failed - ${reason}`);
      });
      await standstill(sim, vmid, wanted.mode, log, () => archiveDisk(place, layerOf(sim), staged));
    } finally {
      await restart();
    }
    await upload(sim, vmid, session, staged, log);
    const notes = wanted.notesTemplate && notesOf(wanted.notesTemplate, { node, vmid, name: vm.config.name });
    if (notes) log("INFO: adding notes to backup");
    await session.finish(notes ? { notes } : {});
    if (wanted.isProtected) {
      log("INFO: marking backup as protected");
      await changeBackup(sim, wanted.storage, snapshot, { protected: true });
    }
  } catch (error) {
    log(`ERROR: ${reasonOf(error)}`);
    log("INFO: aborting backup job");
    await session?.abort();
    throw error;
  } finally {
    await rm(staged, { force: true });
  }
}

function describe(config: Record<string, string | number>, isUp: boolean, mode: string, log: TaskLog): void {
  log(`INFO: status = ${isUp ? "running" : "stopped"}`);
  if (!isUp && mode !== "stop") log("INFO: backup mode: stop");
  else log(`INFO: backup mode: ${mode}`);
  log("INFO: ionice priority: 7");
  log(`INFO: VM Name: ${config.name ?? "(none)"}`);
  for (const drive of backedUpDrives(config)) {
    const properties = parsePropertyString(String(config[drive]), "file");
    log(
      `INFO: include disk '${drive}' '${properties.get("file")}' ${properties.get("size") ?? ""}`.trimEnd(),
    );
  }
}

/**
 * Does something while the guest changes nothing. In mode snapshot it stands still for just that, as a snapshot would
 * catch it at one moment; the agent is told around it where it answers.
 */
async function standstill(
  sim: Simulator,
  vmid: number,
  mode: GuestBackup["mode"],
  log: TaskLog,
  work: () => Promise<void>,
): Promise<void> {
  if (!(await canBeFrozen(sim, vmid))) return work();
  const { agent } = sim.store.state.vms[vmid]?.config ?? {};
  const hasAgent = mode === "snapshot" && /^(1|enabled=1)(,|$)/.test(String(agent ?? ""));
  if (hasAgent) log("INFO: issuing guest-agent 'fs-freeze' command");
  if (mode === "suspend") log("INFO: suspending guest");
  try {
    await whileStill(sim, vmid, work);
  } finally {
    if (hasAgent) log("INFO: issuing guest-agent 'fs-thaw' command");
    log("INFO: resuming VM again");
  }
}

/** Does something while the guest, where it runs, stands still. */
export async function whileStill(sim: Simulator, vmid: number, work: () => Promise<void>): Promise<void> {
  if (!(await canBeFrozen(sim, vmid))) return work();
  await setFrozen(sim.config.instanceId, vmid, true);
  try {
    await work();
  } finally {
    await setFrozen(sim.config.instanceId, vmid, false);
  }
}

async function canBeFrozen(sim: Simulator, vmid: number): Promise<boolean> {
  return sim.config.guests.kind === "containers" && (await isRunning(guestPlace(sim, vmid)));
}

async function upload(
  sim: Simulator,
  vmid: number,
  session: BackupSession,
  staged: string,
  log: TaskLog,
): Promise<void> {
  const vm = sim.store.state.vms[vmid];
  if (vm === undefined) throw failure(`VM ${vmid} was removed meanwhile`);
  const begun = sim.clock();
  const archives: [string, AsyncIterable<Uint8Array>][] = [
    ["qemu-server.conf.blob", once(formatConf(vm))],
    ...Object.entries(vm.images).map(([drive, sha256]): [string, AsyncIterable<Uint8Array>] => [
      `drive-${drive}.img.fidx`,
      createReadStream(imageFile(imagesFolder(sim), sha256)),
    ]),
    [layerArchive, createReadStream(staged)],
  ];
  let [size, reused] = [0, 0];
  for (const [name, content] of archives) {
    const sent = await session.upload(name, content);
    size += sent.size;
    reused += sent.reusedBytes;
  }
  const seconds = Math.max(1, Math.round((sim.clock() - begun) / 1000));
  if (reused > 0) {
    log(
      `INFO: backup was done incrementally, reused ${gibibytes(reused)} (${Math.floor((reused / size) * 100)}%)`,
    );
  }
  log(`INFO: transferred ${gibibytes(size)} in ${seconds} seconds (${gibibytes(size / seconds)}/s)`);
}

async function* once(content: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(content);
}

function gibibytes(bytes: number): string {
  return bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(2)} GiB` : `${(bytes / 2 ** 20).toFixed(2)} MiB`;
}

function notesOf(
  template: string,
  { node, vmid, name }: { node: string; vmid: number; name: string | number | undefined },
): string {
  const values: Record<string, string> = {
    cluster: "standalone node - no cluster",
    guestname: String(name ?? `VM ${vmid}`),
    node,
    vmid: String(vmid),
  };
  return template
    .replaceAll(/\{\{(\w+)\}\}/g, (whole, key: string) => values[key] ?? whole)
    .replaceAll("\\n", "\n");
}

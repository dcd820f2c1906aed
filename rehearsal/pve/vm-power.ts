import { type GuestPlace, guestProcess, killGuest, shutdownGuest, startGuest } from "../guests/guest.ts";
import { mountImage } from "../guests/mounts.ts";
import { startRecord } from "../records/record.ts";
import { cloudInitSeed, guestNics } from "./cloudinit.ts";
import { failure } from "./errors.ts";
import { parsePropertyString } from "./property-string.ts";
import { guestPlace, imagesFolder, type Simulator, vmOf } from "./simulator.ts";
import type { TaskLog } from "./tasks.ts";
import { bootDrive } from "./vm-disks.ts";
import { memoryBytes } from "./vm-summary.ts";

/** Starts a VM's guest with the cloud-init data of its present configuration. */
export async function powerOn(sim: Simulator, node: string, vmid: number, log: TaskLog): Promise<void> {
  const vm = vmOf(sim, node, vmid);
  const place = guestPlace(sim, vmid);
  if (await isRunning(place)) throw failure(`VM ${vmid} already running`);
  if (vm.config.template === 1) throw failure("you can't start a vm if it's a template");
  const drive = bootDrive(vm.config);
  const sha256 = drive === undefined ? undefined : vm.images[drive];
  if (sha256 === undefined) {
    throw failure(`VM ${vmid} has no disk with an imported image in its boot order; nothing to boot`);
  }
  const seed = await cloudInitSeed(sim, node, vmid, vm.config);
  if (hasCloudInitDrive(vm.config)) log("generating cloud-init ISO");
  // Without a drive the product's guest finds no data source; an empty seed says the same.
  const given = hasCloudInitDrive(vm.config) ? seed : { userData: "", metaData: "", networkConfig: "" };
  const { guests } = sim.config;
  if (guests.kind === "records") {
    const address = parsePropertyString(String(vm.config.ipconfig0 ?? "")).get("ip") ?? "";
    await startRecord(place, { address: address.replace(/\/.*$/, ""), port: guests.sshPort }, given.userData);
  } else {
    await startGuest(place, {
      image: await mountImage(imagesFolder(sim), sha256),
      nics: guestNics(sim, vm.config),
      seed: given,
      uuid: parsePropertyString(String(vm.config.smbios1 ?? "")).get("uuid") ?? "",
      limits: {
        memoryBytes: memoryBytes(vm),
        cpus: Number(vm.config.cores ?? 1) * Number(vm.config.sockets ?? 1),
      },
    });
  }
  await sim.store.update((state) => {
    const target = state.vms[vmid];
    if (target === undefined) return;
    target.startedAt = Math.floor(Date.now() / 1000);
    target.runningConfig = target.config;
  });
}

/** Asks the guest to shut down; after the timeout it fails, or pulls the plug where that is allowed. */
export async function powerDown(
  place: GuestPlace,
  options: { timeoutSeconds: number; forceStop: boolean },
  log: TaskLog,
): Promise<void> {
  if (await shutdownGuest(place, options.timeoutSeconds)) return;
  if (!options.forceStop) throw failure("VM quit/powerdown failed - got timeout");
  log("VM still running - terminating now with SIGKILL");
  await killGuest(place);
}

/** Whether a guest runs. */
export async function isRunning(place: GuestPlace): Promise<boolean> {
  return (await guestProcess(place)) !== undefined;
}

function hasCloudInitDrive(config: Record<string, string | number>): boolean {
  return Object.values(config).some((value) => /vm-\d+-cloudinit\b/.test(String(value)));
}

import { failure } from "./errors.ts";
import { splitList } from "./fields.ts";
import { markBackups, reasonOf, removeBackup, snapshotOf } from "./pbs-storage.ts";
import type { Simulator } from "./simulator.ts";
import type { Section } from "./state.ts";
import type { TaskLog } from "./tasks.ts";
import { storageOf } from "./volumes.ts";
import { backUpGuest } from "./vzdump-guest.ts";

/** A run of vzdump on one node. */
export interface BackupRun {
  readonly node: string;
  readonly vmids: readonly number[];
  /** Guests of the selection that other nodes hold. */
  readonly elsewhere: readonly number[];
  /** The job's options as they are stored. */
  readonly options: Section;
}

/** Which guests a job is for, on a node and elsewhere. One that does not exist any more is for every node to fail on. */
export function selectGuests(
  sim: Simulator,
  node: string,
  { vmid, all, pool, exclude }: Section,
): { here: number[]; elsewhere: number[] } {
  const { vms, pools } = sim.store.state;
  const chosen = () => {
    if (vmid !== undefined) return splitList(String(vmid)).map(Number);
    if (pool !== undefined) return pools[String(pool)]?.vmids ?? [];
    return all === 1 ? Object.keys(vms).map(Number) : [];
  };
  const without = splitList(String(exclude ?? "")).map(Number);
  const wanted = chosen().filter((id) => !without.includes(id));
  const isHere = (id: number) => (vms[id]?.node ?? node) === node;
  return { here: wanted.filter(isHere), elsewhere: wanted.filter((id) => !isHere(id)) };
}

/** Backs guests up one after the other. One that fails holds up no other; the run fails with the product's words. */
export async function runBackup(sim: Simulator, run: BackupRun, log: TaskLog): Promise<void> {
  log(`INFO: starting new backup job: vzdump ${commandLine(run)}`);
  if (run.elsewhere.length > 0) log(`INFO: skip external VMs: ${run.elsewhere.join(", ")}`);
  const lockwaitMinutes = Number(run.options.lockwait ?? 180);
  const failed = await sim.locks.backups(run.node, () => backUpAll(sim, run, log), lockwaitMinutes * 60);
  if (failed > 0) {
    log("INFO: Backup job finished with errors");
    throw failure("job errors");
  }
  log("INFO: Backup job finished successfully");
}

async function backUpAll(sim: Simulator, run: BackupRun, log: TaskLog): Promise<number> {
  const { options, node } = run;
  let failed = 0;
  for (const vmid of run.vmids) {
    const begun = sim.clock();
    log(`INFO: Starting Backup of VM ${vmid} (qemu)`);
    log(`INFO: Backup started at ${shownTime(begun)}`);
    try {
      if (sim.store.state.vms[vmid] === undefined) throw failure(`unable to find VM '${vmid}'`);
      const wanted = {
        storage: String(options.storage),
        mode: modeOf(options.mode),
        notesTemplate:
          options["notes-template"] === undefined ? undefined : String(options["notes-template"]),
        isProtected: options.protected === 1,
      };
      await backUpGuest(sim, node, vmid, wanted, log);
      if (options.remove !== 0) await prune(sim, vmid, options, log);
      log(`INFO: Finished Backup of VM ${vmid} (${shownDuration(sim.clock() - begun)})`);
      log(`INFO: Backup finished at ${shownTime(sim.clock())}`);
    } catch (error) {
      failed += 1;
      log(`ERROR: Backup of VM ${vmid} failed - ${reasonOf(error)}`);
      log(`INFO: Failed at ${shownTime(sim.clock())}`);
    }
  }
  return failed;
}

/** The job's own retention, or that of its storage. */
async function prune(sim: Simulator, vmid: number, options: Section, log: TaskLog): Promise<void> {
  const storage = String(options.storage);
  const rules = String(options["prune-backups"] ?? storageOf(sim, storage)["prune-backups"] ?? "keep-all=1");
  if (/keep-all=1/.test(rules)) return;
  log(`INFO: prune older backups with retention: ${rules.replaceAll(",", ", ")}`);
  const gone = (await markBackups(sim, storage, rules, vmid)).filter(({ mark }) => mark === "remove");
  for (const { volid } of gone) {
    const named = snapshotOf(volid);
    if (named !== undefined) await removeBackup(sim, storage, named.snapshot);
  }
  log(`INFO: pruned ${gone.length} backup(s) not covered by keep-retention policy`);
}

function modeOf(mode: string | number | undefined): "snapshot" | "suspend" | "stop" {
  return mode === "suspend" || mode === "stop" ? mode : "snapshot";
}

function commandLine({ node, vmids, options }: BackupRun): string {
  const { vmid: _, id: __, schedule: ___, enabled: ____, comment: _____, ...shown } = options;
  const selection = options.vmid === undefined ? [] : [vmids.join(" ")];
  const named = Object.entries({ ...shown, node })
    .filter(([name]) => name !== "repeat-missed")
    .map(([name, value]) => `--${name} ${/[\s{}]/.test(String(value)) ? `'${value}'` : value}`);
  return [...selection, ...named].join(" ");
}

function shownTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 19).replace("T", " ");
}

function shownDuration(milliseconds: number): string {
  return new Date(Math.max(0, milliseconds)).toISOString().slice(11, 19);
}

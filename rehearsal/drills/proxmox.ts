import { join } from "node:path";
import { storageId } from "../../infra/backup/protections.ts";
import type { Instance } from "../lab/instance.ts";
import { waitFor } from "../lib/wait.ts";
import { changeUnprotected, listSnapshots, type Snapshot } from "../pbs/snapshots.ts";
import { callProxmox } from "./call-proxmox.ts";
import type { Drill } from "./drill.ts";

const job = "proj-pg01-daily";
/** The guest whose backup is taken and looked at: the smallest that holds no dumps. */
const guest = { name: "proj-pg02", vmid: 2003 };
/** What its policy keeps it by, and the namespace of that. */
const retention = { id: "standard-weekly", datastore: "lab-backups", namespace: "standard" };

/** What breaks on Proxmox VE and the backup server. */
export const proxmoxDrills: readonly Drill[] = [
  {
    name: "lose-verification",
    breaks: "a backup is no longer known to be verified",
    alert: "GuestBackupNotVerified",
    severity: "warning",
    labels: { guest: guest.name },
    says: "proj-pg02",
    disturbs: ["snapshots"],
    // A guest is backed up first, and an unverified backup may wait for hours.
    withinSeconds: 600,
    break: async ({ instance }) => {
      const snapshot = await verifiedSnapshot(instance);
      await changeUnprotected(snapshot, ({ verify_state: _, ...rest }) => rest);
    },
    mend: async ({ instance }) => {
      // As somebody would who has read the runbook.
      const { datastore, namespace: ns } = retention;
      await callProxmox(instance, "pbs", "POST", `/admin/datastore/${datastore}/verify`, { ns });
    },
  },
  {
    name: "stop-backup-job",
    breaks: "somebody switches a backup job off",
    alert: "BackupJobDisabled",
    severity: "critical",
    labels: { job_id: job },
    says: job,
    disturbs: ["backup-jobs"],
    withinSeconds: 240,
    endsWithinSeconds: 240,
    break: ({ instance }) => callProxmox(instance, "pve", "PUT", `/cluster/backup/${job}`, { enabled: "0" }),
    mend: ({ instance }) => callProxmox(instance, "pve", "PUT", `/cluster/backup/${job}`, { enabled: "1" }),
  },
];

async function verifiedSnapshot(instance: Instance): Promise<Snapshot> {
  if ((await snapshotsOfGuest(instance)).length === 0) {
    await callProxmox(instance, "pve-operator", "POST", "/nodes/pve1/vzdump", {
      vmid: `${guest.vmid}`,
      storage: storageId(retention.id),
    });
  }
  return waitFor(
    async () =>
      (await snapshotsOfGuest(instance)).find(({ manifest }) => manifest?.unprotected?.verify_state),
    { what: `a verified backup of ${guest.name}`, timeoutSeconds: 240, intervalMs: 1000 },
  );
}

async function snapshotsOfGuest({ folder }: Instance): Promise<Snapshot[]> {
  const root = join(folder, "pbs", "root", "mnt", "datastore", retention.datastore);
  const all = await listSnapshots(root, retention.namespace);
  return all.filter(({ id }) => id === `${guest.vmid}`);
}

import { onTopOf } from "./testing/baseline.ts";
import type { Proofs } from "./testing/proof.ts";

const seen = 'job="node",instance="proj-mon01"';
const placed = { job: "node", instance: "proj-mon01" };

const up = `lab_pve_up{${seen}}`;
const part = `lab_pve_part_success{${seen},part="jobs"}`;
const quorate = `lab_pve_cluster_quorate{${seen}}`;
const online = `lab_pve_node_online{${seen},node="pve1"}`;
const running = `lab_pve_guest_running{${seen},guest="proj-pg01"}`;
const active = `lab_pve_storage_active{${seen},node="pve1",storage="nvme"}`;
const used = `lab_pve_storage_used_bytes{${seen},node="pve1",storage="nvme"}`;
const total = `lab_pve_storage_total_bytes{${seen},node="pve1",storage="nvme"}`;
const lock = `lab_pve_guest_lock_first_seen_timestamp_seconds{${seen},guest="proj-pg01",lock="backup"}`;

const hour = 3600;

export const proxmoxProofs: Proofs = onTopOf({ [up]: 1, [online]: 1, [running]: 1 }, [
  {
    alert: "ProxmoxUnreachable",
    severity: "critical",
    good: { [up]: 1 },
    bad: { [up]: 0 },
    labels: placed,
    says: "proj-mon01 gets no answer from any node of Proxmox VE: nothing is known of nodes, guests and their backups.",
  },
  {
    alert: "ProxmoxPartUnread",
    severity: "warning",
    good: { [part]: 1 },
    bad: { [part]: 0 },
    labels: { ...placed, part: "jobs" },
    says: "Proxmox VE answers proj-mon01, but not about its jobs: has the token lost a right? Alerts on it stay silent.",
    elsewhere: { [up]: 0, [part]: 0 },
  },
  {
    alert: "ClusterNotQuorate",
    severity: "critical",
    good: { [quorate]: 1 },
    bad: { [quorate]: 0 },
    labels: placed,
    says: "Fewer than half of the nodes see each other, as proj-mon01 reads: no guest can be started, moved or backed up.",
  },
  {
    alert: "NodeOffline",
    severity: "critical",
    good: { [online]: 1 },
    bad: { [online]: 0 },
    labels: { ...placed, node: "pve1" },
    says: "Node pve1 is off or cut off, and with it every guest that it carries.",
  },
  {
    alert: "NodeMissing",
    severity: "critical",
    good: { [online]: 1 },
    bad: { [online]: "absent" },
    labels: { job: "node", node: "pve1" },
    says: "The cluster does not know node pve1, although the site has it.",
    elsewhere: { [up]: 0, [online]: "absent" },
  },
  {
    alert: "StorageInactive",
    severity: "critical",
    good: { [active]: 1 },
    bad: { [active]: 0 },
    labels: { ...placed, node: "pve1", storage: "nvme" },
    says: "Node pve1 cannot reach storage nvme: guests on it stand still, backups into it fail.",
  },
  {
    alert: "StorageFillsUp",
    severity: "warning",
    good: { [used]: 5.9, [total]: 8 },
    bad: { [used]: 6.1 },
    labels: { ...placed, node: "pve1", storage: "nvme" },
    says: "76.25% of storage nvme on node pve1 are used. Guests whose disks cannot grow any more stop.",
    shows: "76.25%",
    elsewhere: {
      [used.replace("nvme", "pbs-daily")]: 7.9,
      [total.replace("nvme", "pbs-daily")]: 8,
    },
  },
  {
    alert: "StorageFillsUp",
    severity: "critical",
    good: { [used]: 5, [total]: 8 },
    bad: { [used]: 6.9 },
    labels: { ...placed, node: "pve1", storage: "nvme" },
    says: "86.25% of storage nvme on node pve1 are used. Guests whose disks cannot grow any more stop.",
    shows: "86.25%",
    also: ["StorageFillsUp warning"],
    // A storage that is not active has no size.
    elsewhere: { [used]: 0, [total]: 0 },
  },
  {
    alert: "GuestNotRunning",
    severity: "critical",
    good: { [running]: 1 },
    bad: { [running]: 0 },
    labels: { ...placed, guest: "proj-pg01" },
    says: "proj-pg01 does not run on any node.",
    elsewhere: { [running.replace("proj-pg01", "proj-old01")]: 0 },
  },
  {
    alert: "GuestMissing",
    severity: "critical",
    good: { [running]: 1 },
    bad: { [running]: "absent" },
    labels: { job: "node", guest: "proj-pg01" },
    says: "Proxmox VE does not know proj-pg01, although the site has it: was it deleted? Its backups are still there.",
    elsewhere: { [up]: 0, [running]: "absent" },
  },
  {
    alert: "GuestLocked",
    severity: "warning",
    good: { [lock]: { ageSeconds: 4 * hour - 60 } },
    bad: { [lock]: { ageSeconds: 4 * hour + 60 } },
    labels: { ...placed, guest: "proj-pg01", lock: "backup" },
    says: "proj-pg01 has been locked (backup) for 4h 1m 0s: what left the lock behind may be long gone, and no backup starts meanwhile.",
    shows: "4h 1m 0s",
  },
]);

import type { Lab } from "./lab.ts";
import { type Alert, alert, type RuleGroup, selector } from "./rule.ts";
import { tiers } from "./tiers.ts";

/** Proxmox VE: its nodes, storages and guests. */
export function proxmox(lab: Lab): RuleGroup {
  return {
    name: "proxmox",
    // What it reads is written once a minute at most.
    intervalSeconds: lab.every(60),
    rules: [
      unreachable(lab),
      partUnread(lab),
      notQuorate(lab),
      nodeOffline(lab),
      ...lab.nodes.map((node) => nodeMissing(lab, node)),
      storageInactive(lab),
      ...storageFillsUp(lab),
      ...lab.guests.filter(({ shouldRun }) => shouldRun).flatMap(({ name }) => guestStates(lab, name)),
      guestLocked(lab),
    ],
  };
}

/** Only while the cluster answers is what it does not name missing. */
export const whileSeen = 'and on () (lab_pve_up{job="node"} == 1)';

const unreachable = (lab: Lab) =>
  alert({
    name: "ProxmoxUnreachable",
    expression: 'lab_pve_up{job="node"} == 0',
    forSeconds: lab.hold(900),
    severity: "critical",
    area: "availability",
    summary: "Proxmox VE does not answer.",
    description:
      "{{ $labels.instance }} gets no answer from any node of Proxmox VE: nothing is known of nodes, guests and their backups.",
  });

const partUnread = (lab: Lab) =>
  alert({
    name: "ProxmoxPartUnread",
    expression: 'lab_pve_part_success{job="node"} == 0 and on (instance) lab_pve_up{job="node"} == 1',
    forSeconds: lab.hold(1800),
    severity: "warning",
    area: "monitoring",
    summary: "A part of what Proxmox VE knows cannot be read.",
    description:
      "Proxmox VE answers {{ $labels.instance }}, but not about its {{ $labels.part }}: has the token lost a right? Alerts on it stay silent.",
  });

const notQuorate = (lab: Lab) =>
  alert({
    name: "ClusterNotQuorate",
    expression: 'lab_pve_cluster_quorate{job="node"} == 0',
    forSeconds: lab.hold(60),
    severity: "critical",
    area: "availability",
    summary: "The Proxmox cluster has no quorum.",
    description:
      "Fewer than half of the nodes see each other, as {{ $labels.instance }} reads: no guest can be started, moved or backed up.",
  });

const nodeOffline = (lab: Lab) =>
  alert({
    name: "NodeOffline",
    expression: 'lab_pve_node_online{job="node"} == 0',
    forSeconds: lab.hold(120),
    severity: "critical",
    area: "availability",
    summary: "A Proxmox node is offline.",
    description: "Node {{ $labels.node }} is off or cut off, and with it every guest that it carries.",
  });

function nodeMissing(lab: Lab, node: string): Alert {
  return alert({
    name: "NodeMissing",
    expression: `absent(${selector("lab_pve_node_online", { job: "node", node })}) ${whileSeen}`,
    forSeconds: lab.hold(900),
    severity: "critical",
    area: "availability",
    summary: "A Proxmox node is not in the cluster.",
    description: "The cluster does not know node {{ $labels.node }}, although the site has it.",
  });
}

const storageInactive = (lab: Lab) =>
  alert({
    name: "StorageInactive",
    expression: 'lab_pve_storage_active{job="node"} == 0',
    forSeconds: lab.hold(600),
    severity: "critical",
    area: "availability",
    summary: "A storage cannot be used by its node.",
    description:
      "Node {{ $labels.node }} cannot reach storage {{ $labels.storage }}: guests on it stand still, backups into it fail.",
  });

function storageFillsUp(lab: Lab): Alert[] {
  // Storages of backups are judged where they are: as datastores of the backup server.
  const own = '{job="node",storage!~"pbs-.+"}';
  return tiers(lab, { warning: "storageUsed", critical: "storageUsedCritical" }, ({ severity, limit }) =>
    alert({
      name: "StorageFillsUp",
      expression: `lab_pve_storage_used_bytes${own} / (lab_pve_storage_total_bytes${own} > 0) > ${limit.value}`,
      limit,
      severity,
      area: "capacity",
      summary: "A storage of the cluster fills up.",
      description:
        "{{ $value | humanizePercentage }} of storage {{ $labels.storage }} on node {{ $labels.node }} are used. Guests whose disks cannot grow any more stop.",
      value: "{{ $value | humanizePercentage }}",
      keepFiringForSeconds: lab.hold(300),
    }),
  );
}

function guestStates(lab: Lab, guest: string): Alert[] {
  const running = selector("lab_pve_guest_running", { job: "node", guest });
  return [
    alert({
      name: "GuestNotRunning",
      expression: `${running} == 0`,
      forSeconds: lab.hold(300),
      severity: "critical",
      area: "availability",
      summary: "A guest is off that is to run.",
      description: "{{ $labels.guest }} does not run on any node.",
    }),
    alert({
      name: "GuestMissing",
      expression: `absent(${running}) ${whileSeen}`,
      forSeconds: lab.hold(900),
      severity: "critical",
      area: "availability",
      summary: "A guest is not in the cluster.",
      description:
        "Proxmox VE does not know {{ $labels.guest }}, although the site has it: was it deleted? Its backups are still there.",
    }),
  ];
}

const guestLocked = (lab: Lab) =>
  alert({
    name: "GuestLocked",
    expression: `time() - lab_pve_guest_lock_first_seen_timestamp_seconds{job="node"} > ${lab.limit("guestLock").value}`,
    limit: lab.limit("guestLock"),
    severity: "warning",
    area: "backup",
    summary: "A guest has been locked for hours.",
    description:
      "{{ $labels.guest }} has been locked ({{ $labels.lock }}) for {{ $value | humanizeDuration }}: what left the lock behind may be long gone, and no backup starts meanwhile.",
    value: "{{ $value | humanizeDuration }}",
  });

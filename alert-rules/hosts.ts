import { filesystems } from "./filesystems.ts";
import { processorsAndMemory } from "./host-load.ts";
import type { Lab } from "./lab.ts";
import { alert, type RuleGroup } from "./rule.ts";

/** What a host has and whether it is enough. How full its disks are is the matter of capacity. */
export function hosts(lab: Lab): RuleGroup {
  return {
    name: "hosts",
    // Most wait for five minutes, and every evaluation takes in hundreds of series of each host.
    intervalSeconds: lab.every(120),
    rules: [
      ...processorsAndMemory(lab),
      ...filesystems(lab),
      networkSaturated(lab, "receive"),
      networkSaturated(lab, "transmit"),
      networkErrors(lab),
      conntrackFull(lab),
      clockUnsynchronised(lab),
      clockSkewed(lab),
      unitFailed(lab),
      unitRestarts(lab),
      rebooted(lab),
    ],
  };
}

/** Virtual interfaces often have no speed, or a negative one: nothing can be said of those. */
function networkSaturated(lab: Lab, direction: "receive" | "transmit") {
  const limit = lab.limit("networkUsed");
  const speed = 'node_network_speed_bytes{job="node",device!="lo"}';
  const rate = `rate(node_network_${direction}_bytes_total{job="node",device!="lo"}[${lab.window(120)}])`;
  return alert({
    name: "NetworkSaturated",
    expression: `${rate} / ${speed} > ${limit.value} and ${speed} > 0`,
    limit,
    severity: "warning",
    area: "resources",
    summary: "A network interface is close to its speed.",
    description: `${direction === "receive" ? "Receiving" : "Sending"}, {{ $labels.device }} on {{ $labels.instance }} carries {{ $value | humanizePercentage }} of what it can. Is a backup running outside of its window?`,
    value: "{{ $value | humanizePercentage }}",
    labels: { direction },
  });
}

function networkErrors(lab: Lab) {
  const limit = lab.limit("networkErrors");
  const sum = (what: string) =>
    `(${["receive", "transmit"].map((way) => `rate(node_network_${way}_${what}_total{job="node"}[${lab.window(120)}])`).join(" + ")})`;
  return alert({
    name: "NetworkErrors",
    expression: `${sum("errs")} / ${sum("packets")} > ${limit.value} and ${sum("packets")} > ${lab.limit("networkPackets").value}`,
    limit,
    severity: "warning",
    area: "resources",
    summary: "A network interface makes errors.",
    description:
      "{{ $value | humanizePercentage }} of the packets of {{ $labels.device }} on {{ $labels.instance }} are broken: a cable, a port or a driver.",
    value: "{{ $value | humanizePercentage }}",
  });
}

function conntrackFull(lab: Lab) {
  const limit = lab.limit("conntrackUsed");
  const most = 'node_nf_conntrack_entries_limit{job="node"}';
  return alert({
    name: "ConntrackFillsUp",
    expression: `node_nf_conntrack_entries{job="node"} / ${most} > ${limit.value} and ${most} > 0`,
    limit,
    severity: "warning",
    area: "resources",
    summary: "The table of tracked connections fills up.",
    description:
      "{{ $labels.instance }} has filled {{ $value | humanizePercentage }} of its connection tracking table: when it is full, new connections are dropped without a word.",
    value: "{{ $value | humanizePercentage }}",
  });
}

const clockUnsynchronised = (lab: Lab) => {
  const limit = lab.limit("clockUnsynchronised");
  return alert({
    name: "ClockUnsynchronised",
    expression: `node_timex_sync_status{job="node"} == ${limit.value}`,
    limit,
    severity: "warning",
    area: "resources",
    summary: "A clock is on its own.",
    description:
      "{{ $labels.instance }} follows no time server: logs, certificates and points in time to recover to go wrong with its clock.",
    value: "not synchronised",
  });
};

const clockSkewed = (lab: Lab) => {
  const limit = lab.limit("clockSkew");
  return alert({
    name: "ClockSkewed",
    expression: `abs(node_time_seconds{job="node"} - timestamp(node_time_seconds{job="node"})) > ${limit.value}`,
    limit,
    severity: "warning",
    area: "resources",
    summary: "A clock is wrong.",
    description:
      "The clock of {{ $labels.instance }} is {{ $value | humanizeDuration }} away from that of the monitoring host. If all are, it is the monitoring host's.",
    value: "{{ $value | humanizeDuration }}",
  });
};

const unitFailed = (lab: Lab) => {
  const limit = lab.limit("unitFailed");
  return alert({
    name: "SystemdUnitFailed",
    expression: `node_systemd_unit_state{job="node",state="failed"} == ${limit.value}`,
    limit,
    severity: "warning",
    area: "availability",
    summary: "A unit of systemd has failed.",
    description: "{{ $labels.name }} on {{ $labels.instance }} has failed and stays so until somebody acts.",
    value: "failed",
  });
};

const unitRestarts = (lab: Lab) => {
  const limit = lab.limit("unitRestarts");
  return alert({
    name: "SystemdUnitRestarts",
    expression: `increase(node_systemd_service_restart_total{job="node"}[${lab.window(900)}]) > ${limit.value}`,
    limit,
    severity: "warning",
    area: "availability",
    summary: "A service dies and is restarted again and again.",
    description:
      "systemd has restarted {{ $labels.name }} on {{ $labels.instance }} {{ $value | humanize }} times within a quarter of an hour. Each time it looks healthy for a while.",
    value: "{{ $value | humanize }} restarts",
  });
};

const rebooted = (lab: Lab) => {
  const limit = lab.limit("bootShift");
  return alert({
    name: "HostRebooted",
    expression: `delta(node_boot_time_seconds{job="node"}[${lab.window(900)}]) > ${limit.value}`,
    limit,
    severity: "warning",
    area: "availability",
    summary: "A host was started anew.",
    description:
      "{{ $labels.instance }} was rebooted within the last quarter of an hour. If nobody did that, find out what did.",
    value: "rebooted",
  });
};

import type { Lab } from "./lab.ts";
import { type Alert, alert } from "./rule.ts";
import { tiers } from "./tiers.ts";

/** Processors and memory, and what runs short of them (group `hosts`). */
export function processorsAndMemory(lab: Lab): Alert[] {
  return [
    ...cpuBusy(lab),
    cpuStolen(lab),
    loadHigh(lab),
    ...memoryUsed(lab),
    memoryStalled(lab),
    swapping(lab),
    oomKilled(lab),
    tasksHang(lab),
    fileDescriptors(lab),
  ];
}

const cpuBusy = (lab: Lab) =>
  tiers(lab, { warning: "cpuBusy", critical: "cpuBusyCritical" }, (tier) =>
    alert({
      ...tier,
      name: "CpuBusy",
      expression: `1 - avg by (instance) (rate(node_cpu_seconds_total{job="node",mode="idle"}[${lab.window(120)}])) > ${tier.limit.value}`,
      area: "resources",
      summary: "A host's processors are busy.",
      description:
        "The processors of {{ $labels.instance }} are busy for {{ $value | humanizePercentage }} of the time.",
      value: "{{ $value | humanizePercentage }}",
    }),
  );

const cpuStolen = (lab: Lab) => {
  const limit = lab.limit("cpuStolen");
  return alert({
    name: "CpuStolen",
    expression: `avg by (instance) (rate(node_cpu_seconds_total{job="node",mode="steal"}[${lab.window(120)}])) > ${limit.value}`,
    limit,
    severity: "warning",
    area: "resources",
    summary: "A guest does not get the processors that it has.",
    description:
      "For {{ $value | humanizePercentage }} of the time {{ $labels.instance }} wants to run and its node runs other guests: the node is overcommitted.",
    value: "{{ $value | humanizePercentage }}",
  });
};

const loadHigh = (lab: Lab) => {
  const limit = lab.limit("load");
  return alert({
    name: "LoadHigh",
    expression: `node_load5{job="node"} > on (instance) ${limit.value} * count by (instance) (node_cpu_seconds_total{job="node",mode="idle"})`,
    limit,
    severity: "warning",
    area: "resources",
    summary: "More waits on a host than it can run.",
    description:
      "{{ $labels.instance }} has a load of {{ $value | humanize }}, more than twice its processors: they are busy, or its disks do not answer.",
    value: "load {{ $value | humanize }}",
  });
};

const memoryUsed = (lab: Lab) =>
  tiers(lab, { warning: "memoryUsed", critical: "memoryUsedCritical" }, (tier) =>
    alert({
      ...tier,
      name: "MemoryUsed",
      expression: `1 - node_memory_MemAvailable_bytes{job="node"} / node_memory_MemTotal_bytes{job="node"} > ${tier.limit.value}`,
      area: "resources",
      summary: "A host runs short of memory.",
      description:
        "{{ $value | humanizePercentage }} of the memory of {{ $labels.instance }} cannot be had by programs. When none is left the kernel ends one.",
      value: "{{ $value | humanizePercentage }}",
    }),
  );

const memoryStalled = (lab: Lab) => {
  const limit = lab.limit("memoryStalled");
  return alert({
    name: "MemoryPressure",
    expression: `rate(node_pressure_memory_stalled_seconds_total{job="node"}[${lab.window(120)}]) > ${limit.value}`,
    limit,
    severity: "warning",
    area: "resources",
    summary: "Everything on a host waits for memory.",
    description:
      "For {{ $value | humanizePercentage }} of the time nothing runs on {{ $labels.instance }} because memory has to be found first.",
    value: "{{ $value | humanizePercentage }}",
  });
};

const swapping = (lab: Lab) => {
  const limit = lab.limit("swapRate");
  const rates = ["in", "out"].map((way) => `rate(node_vmstat_pswp${way}{job="node"}[${lab.window(120)}])`);
  return alert({
    name: "HostSwaps",
    expression: `${rates.join(" + ")} > ${limit.value}`,
    limit,
    severity: "warning",
    area: "resources",
    summary: "A host moves its memory to and from disk.",
    description:
      "{{ $labels.instance }} swaps {{ $value | humanize }} pages a second: what should take nanoseconds takes milliseconds.",
    value: "{{ $value | humanize }} pages/s",
  });
};

const oomKilled = (lab: Lab) => {
  const limit = lab.limit("oomKills");
  return alert({
    name: "OomKill",
    expression: `increase(node_vmstat_oom_kill{job="node"}[${lab.window(900)}]) > ${limit.value}`,
    limit,
    severity: "warning",
    area: "resources",
    summary: "The kernel has ended a program for want of memory.",
    description:
      "{{ $labels.instance }} had no memory left, and the kernel ended a program. Its log says which.",
    value: "{{ $value | humanize }} ended",
  });
};

const tasksHang = (lab: Lab) => {
  const limit = lab.limit("hungTasks");
  return alert({
    name: "TasksHang",
    expression: `increase(node_kernel_hung_tasks_total{job="node"}[${lab.window(3600)}]) > ${limit.value}`,
    limit,
    severity: "warning",
    area: "resources",
    summary: "The kernel sees tasks that hang.",
    description:
      "On {{ $labels.instance }} a task has waited in the kernel for more than two minutes: a disk or a network mount does not answer.",
    value: "{{ $value | humanize }} tasks",
  });
};

const fileDescriptors = (lab: Lab) => {
  const limit = lab.limit("fileDescriptorsUsed");
  const most = 'node_filefd_maximum{job="node"}';
  return alert({
    name: "FileDescriptorsRunOut",
    expression: `node_filefd_allocated{job="node"} / ${most} > ${limit.value} and ${most} > 0`,
    limit,
    severity: "warning",
    area: "resources",
    summary: "A host runs out of file descriptors.",
    description:
      "{{ $labels.instance }} has {{ $value | humanizePercentage }} of all files open that its kernel allows; then nothing can be opened, no connection either.",
    value: "{{ $value | humanizePercentage }}",
  });
};

import { selector } from "./rule.ts";
import type { Proof, Proofs } from "./testing/proof.ts";
import type { Series, Values } from "./testing/series.ts";

const labels = { job: "node", instance: "proj-pg01" };

const series = (metric: string, own: Readonly<Record<string, string>> = {}) =>
  selector(metric, { ...labels, ...own });

/** A ratio that a counter of seconds grows by. */
const share = (ratio: number): Values => ({ perMinute: 60 * ratio });

/** Of rates over two minutes: the first sample of a phase still ends a step of the one before. */
const settles = { delayMinutes: 1, clearMinutes: 1 } as const;

/** Of both processors. */
const idle = (ratio: number): Series =>
  Object.fromEntries(
    ["0", "1"].map((cpu) => [series("node_cpu_seconds_total", { cpu, mode: "idle" }), share(ratio)]),
  );

const processors: Proofs = [
  {
    alert: "CpuBusy",
    severity: "warning",
    good: idle(0.26),
    bad: idle(0.24),
    idle: idle(0.95),
    ...settles,
    labels: { instance: "proj-pg01" },
    says: "The processors of proj-pg01 are busy for 76% of the time.",
    shows: "76%",
  },
  {
    alert: "CpuBusy",
    severity: "critical",
    good: idle(0.3),
    bad: idle(0.09),
    ...settles,
    labels: { instance: "proj-pg01" },
    says: "The processors of proj-pg01 are busy for 91% of the time.",
    shows: "91%",
    also: ["CpuBusy warning"],
  },
  {
    alert: "CpuStolen",
    severity: "warning",
    good: { [series("node_cpu_seconds_total", { cpu: "0", mode: "steal" })]: share(0.09) },
    bad: { [series("node_cpu_seconds_total", { cpu: "0", mode: "steal" })]: share(0.11) },
    ...settles,
    labels: { instance: "proj-pg01" },
    says: "For 11% of the time proj-pg01 wants to run and its node runs other guests: the node is overcommitted.",
    shows: "11%",
  },
  {
    alert: "LoadHigh",
    severity: "warning",
    always: idle(0.9),
    good: { [series("node_load5")]: 4 },
    bad: { [series("node_load5")]: 4.1 },
    labels: { instance: "proj-pg01" },
    says: "proj-pg01 has a load of 4.1, more than twice its processors: they are busy, or its disks do not answer.",
    shows: "load 4.1",
  },
];

const total = series("node_memory_MemTotal_bytes");
const available = series("node_memory_MemAvailable_bytes");

const memory: Proofs = [
  {
    alert: "MemoryUsed",
    severity: "warning",
    always: { [total]: 1000 },
    good: { [available]: 201 },
    bad: { [available]: 199 },
    labels,
    says: "80.1% of the memory of proj-pg01 cannot be had by programs. When none is left the kernel ends one.",
    shows: "80.1%",
  },
  {
    alert: "MemoryUsed",
    severity: "critical",
    always: { [total]: 1000 },
    good: { [available]: 300 },
    bad: { [available]: 99 },
    labels,
    says: "90.1% of the memory of proj-pg01 cannot be had by programs. When none is left the kernel ends one.",
    shows: "90.1%",
    also: ["MemoryUsed warning"],
  },
  {
    alert: "MemoryPressure",
    severity: "warning",
    good: { [series("node_pressure_memory_stalled_seconds_total")]: share(0.09) },
    bad: { [series("node_pressure_memory_stalled_seconds_total")]: share(0.11) },
    ...settles,
    labels,
    says: "For 11% of the time nothing runs on proj-pg01 because memory has to be found first.",
    shows: "11%",
  },
  {
    alert: "HostSwaps",
    severity: "warning",
    always: { [series("node_vmstat_pswpin")]: { perMinute: 60 * 250 } },
    good: { [series("node_vmstat_pswpout")]: { perMinute: 60 * 249 } },
    bad: { [series("node_vmstat_pswpout")]: { perMinute: 60 * 251 } },
    ...settles,
    labels,
    says: "proj-pg01 swaps 501 pages a second: what should take nanoseconds takes milliseconds.",
    shows: "501 pages/s",
  },
  {
    alert: "OomKill",
    severity: "warning",
    good: { [series("node_vmstat_oom_kill")]: 0 },
    bad: { [series("node_vmstat_oom_kill")]: 1 },
    clearMinutes: 12,
    labels,
    says: "proj-pg01 had no memory left, and the kernel ended a program. Its log says which.",
    shows: "1 ended",
    warmUpMinutes: 20,
  },
  {
    alert: "TasksHang",
    severity: "warning",
    good: { [series("node_kernel_hung_tasks_total")]: 0 },
    bad: { [series("node_kernel_hung_tasks_total")]: 1 },
    clearMinutes: 57,
    warmUpMinutes: 70,
    labels,
    says: "On proj-pg01 a task has waited in the kernel for more than two minutes: a disk or a network mount does not answer.",
    shows: "1 tasks",
  },
  {
    alert: "FileDescriptorsRunOut",
    severity: "warning",
    always: { [series("node_filefd_maximum")]: 100_000 },
    good: { [series("node_filefd_allocated")]: 80_000 },
    bad: { [series("node_filefd_allocated")]: 81_000 },
    labels,
    says: "proj-pg01 has 81% of all files open that its kernel allows; then nothing can be opened, no connection either.",
    shows: "81%",
  },
];

const disk = { device: "sda" };

/** A disk with so many operations a second, each of which takes so long. */
const busyDisk = (operations: number, seconds: number): Series => ({
  [series("node_disk_reads_completed_total", disk)]: { perMinute: 30 * operations },
  [series("node_disk_writes_completed_total", disk)]: { perMinute: 30 * operations },
  [series("node_disk_read_time_seconds_total", disk)]: { perMinute: 15 * operations * seconds },
  [series("node_disk_write_time_seconds_total", disk)]: { perMinute: 45 * operations * seconds },
});

const root = { device: "/dev/sda1", fstype: "ext4", mountpoint: "/" };
const readOnly = series("node_filesystem_readonly", root);

const disks: Proofs = [
  {
    alert: "DiskLatencyHigh",
    severity: "warning",
    good: busyDisk(21, 0.009),
    bad: busyDisk(21, 0.012),
    ...settles,
    labels: { ...labels, ...disk },
    says: "A read or write of sda on proj-pg01 takes 12ms in the mean.",
    shows: "12ms",
    elsewhere: busyDisk(19, 0.5),
  },
  {
    alert: "DiskPressure",
    severity: "warning",
    good: { [series("node_pressure_io_stalled_seconds_total")]: share(0.29) },
    bad: { [series("node_pressure_io_stalled_seconds_total")]: share(0.31) },
    ...settles,
    labels,
    says: "For 31% of the time nothing runs on proj-pg01 because all wait for disks.",
    shows: "31%",
  },
  {
    alert: "FilesystemReadOnly",
    severity: "critical",
    good: { [readOnly]: 0 },
    bad: { [readOnly]: 1 },
    labels: { ...labels, ...root },
    says: "/ on proj-pg01 cannot be written to any more: the kernel does that when /dev/sda1 makes errors.",
    shows: "read-only",
    elsewhere: { [readOnly]: 1 },
  },
  {
    alert: "FilesystemUnreadable",
    severity: "warning",
    good: { [series("node_filesystem_device_error", root)]: 0 },
    bad: { [series("node_filesystem_device_error", root)]: 1 },
    labels: { ...labels, ...root },
    says: "/ on proj-pg01 does not tell its size: the disk or the server that it lies on does not answer.",
    shows: "unreadable",
  },
];

const link = { device: "eth0" };

function saturated(direction: string, says: string): Proof {
  const bytes = series(`node_network_${direction}_bytes_total`, link);
  const speed = series("node_network_speed_bytes", link);
  return {
    alert: "NetworkSaturated",
    severity: "warning",
    good: { [speed]: 1000, [bytes]: share(790) },
    bad: { [bytes]: share(810) },
    ...settles,
    labels: { ...labels, ...link, direction },
    says: `${says}, eth0 on proj-pg01 carries 81% of what it can. Is a backup running outside of its window?`,
    shows: "81%",
    // What a virtual interface says of its speed.
    elsewhere: { [speed]: -125_000, [bytes]: share(-200_000) },
  };
}

const errors = (packets: number, ratio: number): Series =>
  Object.fromEntries(
    ["receive", "transmit"].flatMap((way) => [
      [series(`node_network_${way}_packets_total`, link), { perMinute: 30 * packets }],
      [series(`node_network_${way}_errs_total`, link), { perMinute: 30 * packets * ratio }],
    ]),
  );

const network: Proofs = [
  saturated("receive", "Receiving"),
  saturated("transmit", "Sending"),
  {
    alert: "NetworkErrors",
    severity: "warning",
    good: errors(11, 0.009),
    bad: errors(11, 0.02),
    ...settles,
    labels: { ...labels, ...link },
    says: "2% of the packets of eth0 on proj-pg01 are broken: a cable, a port or a driver.",
    shows: "2%",
    elsewhere: errors(9, 0.5),
  },
  {
    alert: "ConntrackFillsUp",
    severity: "warning",
    always: { [series("node_nf_conntrack_entries_limit")]: 1000 },
    good: { [series("node_nf_conntrack_entries")]: 800 },
    bad: { [series("node_nf_conntrack_entries")]: 810 },
    labels,
    says: "proj-pg01 has filled 81% of its connection tracking table: when it is full, new connections are dropped without a word.",
    shows: "81%",
  },
];

const unit = { name: "ssh.service" };
const failed = series("node_systemd_unit_state", { ...unit, state: "failed", type: "oneshot" });

const system: Proofs = [
  {
    alert: "ClockUnsynchronised",
    severity: "warning",
    good: { [series("node_timex_sync_status")]: 1 },
    bad: { [series("node_timex_sync_status")]: 0 },
    labels,
    says: "proj-pg01 follows no time server: logs, certificates and points in time to recover to go wrong with its clock.",
    shows: "not synchronised",
  },
  ...[3, -3].map((ageSeconds) => ({
    alert: "ClockSkewed",
    severity: "warning" as const,
    good: { [series("node_time_seconds")]: { ageSeconds: 2 } },
    bad: { [series("node_time_seconds")]: { ageSeconds } },
    labels,
    says: "The clock of proj-pg01 is 3s away from that of the monitoring host. If all are, it is the monitoring host's.",
    shows: "3s",
  })),
  {
    alert: "SystemdUnitFailed",
    severity: "warning",
    good: { [failed]: 0 },
    bad: { [failed]: 1 },
    labels: { ...labels, ...unit, state: "failed", type: "oneshot" },
    says: "ssh.service on proj-pg01 has failed and stays so until somebody acts.",
    shows: "failed",
  },
  {
    alert: "SystemdUnitRestarts",
    severity: "warning",
    good: { [series("node_systemd_service_restart_total", unit)]: { perMinute: 0.19 } },
    bad: { [series("node_systemd_service_restart_total", unit)]: { perMinute: 2 } },
    warmUpMinutes: 20,
    delayMinutes: 1,
    clearMinutes: 14,
    labels: { ...labels, ...unit },
    says: "systemd has restarted ssh.service on proj-pg01 4.789 times within a quarter of an hour. Each time it looks healthy for a while.",
    shows: "4.789 restarts",
  },
  {
    alert: "HostRebooted",
    severity: "warning",
    warmUpMinutes: 20,
    good: { [series("node_boot_time_seconds")]: { cycle: [1010, 1030, 1000] } },
    bad: { [series("node_boot_time_seconds")]: 1100 },
    labels,
    says: "proj-pg01 was rebooted within the last quarter of an hour. If nobody did that, find out what did.",
    shows: "rebooted",
  },
];

export const hostsProofs: Proofs = [...processors, ...memory, ...disks, ...network, ...system];

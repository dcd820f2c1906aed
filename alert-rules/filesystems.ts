import type { Lab } from "./lab.ts";
import { looksAtLastDay } from "./looks.ts";
import { type Alert, alert } from "./rule.ts";

/** File systems that lie on disks, here or elsewhere; images that are read-only by nature, and what comes and goes under /run, are not among them. */
const onDisks = 'fstype=~"ext[234]|xfs|btrfs|zfs|vfat|nfs4?|cifs",mountpoint!~"/run/.*"';

/** Partitions and mapped devices would tell the same again. */
const disks = 'device!~"(loop|ram|zram|sr|fd|dm-|md).*"';

/** Disks that are slow, and file systems that do not work (group `hosts`). */
export function filesystems(lab: Lab): Alert[] {
  return [latency(lab), ioStalled(lab), readOnly(lab), unreadable(lab)];
}

function latency(lab: Lab): Alert {
  const limit = lab.limit("diskLatency");
  const sum = (metrics: readonly string[]) =>
    `(${metrics.map((metric) => `rate(node_disk_${metric}{job="node",${disks}}[${lab.window(120)}])`).join(" + ")})`;
  const seconds = sum(["read_time_seconds_total", "write_time_seconds_total"]);
  const operations = sum(["reads_completed_total", "writes_completed_total"]);
  return alert({
    name: "DiskLatencyHigh",
    expression: `${seconds} / ${operations} > ${limit.value} and ${operations} > ${lab.limit("diskOperations").value}`,
    limit,
    severity: "warning",
    area: "resources",
    summary: "A disk is slow.",
    description:
      "A read or write of {{ $labels.device }} on {{ $labels.instance }} takes {{ $value | humanizeDuration }} in the mean.",
    value: "{{ $value | humanizeDuration }}",
  });
}

function ioStalled(lab: Lab): Alert {
  const limit = lab.limit("ioStalled");
  return alert({
    name: "DiskPressure",
    expression: `rate(node_pressure_io_stalled_seconds_total{job="node"}[${lab.window(120)}]) > ${limit.value}`,
    limit,
    severity: "warning",
    area: "resources",
    summary: "Everything on a host waits for its disks.",
    description:
      "For {{ $value | humanizePercentage }} of the time nothing runs on {{ $labels.instance }} because all wait for disks.",
    value: "{{ $value | humanizePercentage }}",
  });
}

/** One that was written to within the day: what is mounted read-only on purpose stays silent. */
function readOnly(lab: Lab): Alert {
  const limit = lab.limit("filesystemBroken");
  const series = `node_filesystem_readonly{job="node",${onDisks}}`;
  return alert({
    name: "FilesystemReadOnly",
    expression: `${series} == ${limit.value} and min without (ago) (${looksAtLastDay(series)}) == 0`,
    limit,
    severity: "critical",
    area: "resources",
    summary: "A file system has become read-only.",
    description:
      "{{ $labels.mountpoint }} on {{ $labels.instance }} cannot be written to any more: the kernel does that when {{ $labels.device }} makes errors.",
    value: "read-only",
  });
}

function unreadable(lab: Lab): Alert {
  const limit = lab.limit("filesystemUnreadable");
  return alert({
    name: "FilesystemUnreadable",
    expression: `node_filesystem_device_error{job="node",${onDisks}} == ${limit.value}`,
    limit,
    severity: "warning",
    area: "resources",
    summary: "A file system does not answer.",
    description:
      "{{ $labels.mountpoint }} on {{ $labels.instance }} does not tell its size: the disk or the server that it lies on does not answer.",
    value: "unreadable",
  });
}

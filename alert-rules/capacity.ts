import type { Lab } from "./lab.ts";
import { alert, type RuleGroup } from "./rule.ts";
import { sequences } from "./sequences.ts";
import { tiers } from "./tiers.ts";

/** What the kernel keeps for itself, and images that are always full. */
const ofPeople =
  'fstype!~"(ramfs|squashfs|iso9660|erofs|devtmpfs|efivarfs|overlay|fuse.lxcfs)",mountpoint!~"/(dev|proc|run|sys|snap)(/.*)?"';

/** Room that is left on each file system, in bytes. */
export const available = `node_filesystem_avail_bytes{job="node",${ofPeople}}`;
export const size = `node_filesystem_size_bytes{job="node",${ofPeople}}`;
/** Used part of each file system, as a ratio. */
export const usedSpace = `1 - ${available} / ${size}`;

/** How full disks are, and which will be within hours: 75 % alert, 80 % plan, 85 % act. */
export function capacity(lab: Lab): RuleGroup {
  return {
    name: "capacity",
    intervalSeconds: lab.every(240),
    rules: [
      ...spaceLow(lab),
      spacePlan(lab),
      ...inodesLow(lab),
      fullSoon(lab),
      ...(lab.clusters.length > 0 ? sequences(lab) : []),
    ],
  };
}

const spaceLow = (lab: Lab) =>
  tiers(lab, { warning: "diskUsed", critical: "diskUsedCritical" }, (tier) =>
    alert({
      ...tier,
      name: "DiskSpaceLow",
      expression: `${usedSpace} > ${tier.limit.value}`,
      area: "capacity",
      summary: "A disk fills up.",
      description:
        "{{ $labels.mountpoint }} on {{ $labels.instance }} is {{ $value | humanizePercentage }} full. From 80 % on its extension is to be planned, at 85 % made.",
      value: "{{ $value | humanizePercentage }}",
    }),
  );

const spacePlan = (lab: Lab) => {
  const limit = lab.limit("diskPlan");
  return alert({
    name: "DiskSpacePlanDue",
    expression: `${usedSpace} > ${limit.value}`,
    limit,
    severity: "warning",
    area: "capacity",
    summary: "A disk's extension is to be planned.",
    description:
      "{{ $labels.mountpoint }} on {{ $labels.instance }} is {{ $value | humanizePercentage }} full: decide now what is deleted, moved or bought.",
    value: "{{ $value | humanizePercentage }}",
  });
};

const inodesLow = (lab: Lab) =>
  tiers(lab, { warning: "inodesUsed", critical: "inodesUsedCritical" }, (tier) =>
    alert({
      ...tier,
      name: "InodesLow",
      expression: `1 - node_filesystem_files_free{job="node",${ofPeople}} / node_filesystem_files{job="node",${ofPeople}} > ${tier.limit.value}`,
      area: "capacity",
      summary: "A file system runs out of files.",
      description:
        "{{ $labels.mountpoint }} on {{ $labels.instance }} has used {{ $value | humanizePercentage }} of the files that it may have: then nothing can be created, whatever room there is.",
      value: "{{ $value | humanizePercentage }}",
    }),
  );

/** Bytes a second that a file system loses, where it does. */
export const loss = (window: string) => `(-1 * deriv(${available}[${window}]) > 0)`;

const fullSoon = (lab: Lab) => {
  const limit = lab.limit("diskFullSoon");
  const lost = loss(lab.looks(21_600, 300));
  // A dump that has ended leaves a slope in the long window, not in the short one.
  const still = loss(lab.window(3600));
  return alert({
    name: "DiskFullSoon",
    expression: `${available} / ${lost} < ${limit.value} and ${available} / ${still} < ${limit.value} and ${usedSpace} > ${lab.limit("diskForecastFloor").value}`,
    limit,
    severity: "critical",
    area: "capacity",
    summary: "A disk will be full before the night is over.",
    description:
      "If {{ $labels.mountpoint }} on {{ $labels.instance }} goes on filling as in the last six hours, it is full in {{ $value | humanizeDuration }}.",
    value: "{{ $value | humanizeDuration }}",
  });
};

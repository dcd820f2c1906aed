/** How the backup of one guest in a run of vzdump ended. */
export interface GuestBackup {
  readonly vmid: number;
  /** Whether there is a backup; warnings do not take it away. */
  readonly finished: boolean;
  readonly warnings: number;
  /** Unix time in seconds. */
  readonly endedAt: number;
  readonly durationSeconds: number;
}

/** A run of vzdump that has ended. */
export interface EndedRun {
  /** The VMID of a run for one guest; else empty. */
  readonly id: string;
  readonly starttime: number;
  readonly endtime: number;
  readonly status?: string | undefined;
}

interface Section {
  readonly vmid: number;
  startedAt?: number;
  endedAt?: number;
  durationSeconds?: number;
  finished: boolean;
  warnings: number;
}

/**
 * What a run's log says of each guest. A task knows only that one of its guests failed, not which. Times in the log are
 * the node's own without a zone, so only what lies between them counts: the last one is taken for the end of the task.
 */
export function guestBackups(run: EndedRun, lines: readonly string[]): GuestBackup[] {
  const sections = sectionsOf(lines);
  const last = sections.findLast(({ endedAt }) => endedAt !== undefined)?.endedAt;
  const backups = sections.map((section): GuestBackup => {
    const { vmid, finished, warnings, startedAt, endedAt } = section;
    const before = last === undefined || endedAt === undefined ? 0 : last - endedAt;
    const end = Math.max(run.starttime, run.endtime - before);
    const between = startedAt === undefined || endedAt === undefined ? undefined : endedAt - startedAt;
    const durationSeconds = section.durationSeconds ?? between ?? end - run.starttime;
    return { vmid, finished, warnings, endedAt: end, durationSeconds: Math.max(0, durationSeconds) };
  });
  if (run.status === "OK") return backups;
  // What was to be backed up and never begun, for example because the storage is away.
  const begun = new Set(sections.map(({ vmid }) => vmid));
  const missed = intendedGuests(run, lines).filter((vmid) => !begun.has(vmid));
  const { endtime: endedAt, starttime } = run;
  return [
    ...backups,
    ...missed.map((vmid) => ({
      vmid,
      finished: false,
      warnings: 0,
      endedAt,
      durationSeconds: Math.max(0, endedAt - starttime),
    })),
  ];
}

function sectionsOf(lines: readonly string[]): Section[] {
  const sections: Section[] = [];
  for (const line of lines) {
    const begun = /^INFO: Starting Backup of VM (\d+) /.exec(line)?.[1];
    if (begun !== undefined) sections.push({ vmid: Number(begun), finished: false, warnings: 0 });
    const section = sections.at(-1);
    if (section === undefined) continue;
    const [, what, when] =
      /^INFO: (Backup started|Backup finished|Failed) at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)/.exec(line) ?? [];
    if (what === "Backup started") section.startedAt = secondsOf(when);
    else if (what !== undefined) section.endedAt = secondsOf(when);
    const [, vmid, hours, minutes, seconds] =
      /^INFO: Finished Backup of VM (\d+) \((\d+):(\d\d):(\d\d)\)/.exec(line) ?? [];
    if (Number(vmid) === section.vmid) {
      section.finished = true;
      section.durationSeconds = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
    }
    if (/^WARN(ING)?: /.test(line)) section.warnings += 1;
  }
  return sections;
}

/** The guests that a run names and that are on its node. */
function intendedGuests({ id }: EndedRun, lines: readonly string[]): number[] {
  const command = lines.map((line) => /^INFO: starting new backup job: vzdump ([\d ]+)/.exec(line)?.[1]);
  const elsewhere = lines.map((line) => /^INFO: skip external VMs: ([\d, ]+)/.exec(line)?.[1]);
  const skipped = new Set(elsewhere.flatMap(vmids));
  const named = new Set([...command.flatMap(vmids), ...vmids(id)]);
  return [...named].filter((vmid) => !skipped.has(vmid));
}

function vmids(text: string | undefined): number[] {
  return (text?.match(/\d+/g) ?? []).map(Number);
}

/** As if it were universal time: only differences are used. */
function secondsOf(time: string | undefined): number {
  return Date.parse(`${time?.replace(" ", "T")}Z`) / 1000;
}

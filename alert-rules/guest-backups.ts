import type { WatchedGuest } from "./inventory.ts";
import type { Lab } from "./lab.ts";
import { siteLimit } from "./limit.ts";
import { whileSeen } from "./proxmox.ts";
import { type Alert, alert, type RuleGroup, selector } from "./rule.ts";

/** Backups that Proxmox VE makes of guests: its jobs, and how their last runs ended. */
export function guestBackups(lab: Lab): RuleGroup {
  return {
    name: "guest-backups",
    // Ages of hours and days, a rule for each of many.
    intervalSeconds: lab.every(300),
    rules: [
      ...jobs(lab).map((job) => jobMissing(lab, job)),
      jobDisabled(lab),
      guestInNoJob(lab),
      guestBackupFailed(lab),
      guestBackupWarned(lab),
      ...lab.guests.flatMap((guest) => runsOf(lab, guest)),
      backupHangs(lab),
    ],
  };
}

function jobs({ guests }: Lab): string[] {
  return [...new Set(guests.flatMap(({ backupJob }) => backupJob ?? []))];
}

function jobMissing(lab: Lab, job: string): Alert {
  return alert({
    name: "BackupJobMissing",
    expression: `absent(${selector("lab_pve_backup_job_enabled", { job: "node", job_id: job })}) ${whileSeen}`,
    forSeconds: lab.hold(900),
    severity: "critical",
    area: "backup",
    summary: "A backup job is not in the cluster.",
    description:
      "Proxmox VE has no job {{ $labels.job_id }}, although the site has it: its guests are not backed up. Run `pulumi up`.",
    labels: { instance: lab.monitoringHost },
  });
}

const jobDisabled = (lab: Lab) =>
  alert({
    name: "BackupJobDisabled",
    expression:
      'lab_pve_backup_job_enabled{job="node"} == 0 or (lab_pve_backup_job_enabled{job="node"} == 1 unless on (instance, job_id) lab_pve_backup_job_next_run_timestamp_seconds{job="node"})',
    forSeconds: lab.hold(3600),
    severity: "critical",
    area: "backup",
    summary: "A backup job will not run.",
    description:
      "Job {{ $labels.job_id }} is switched off, or has no next run: its guests are not backed up. {{ $labels.instance }} read so from Proxmox VE.",
  });

function guestInNoJob(lab: Lab): Alert {
  const others = lab.guests.filter(({ backupTool }) => backupTool !== "pbs").map(({ name }) => name);
  const own = `{job="node"${others.length > 0 ? `,guest!~"${others.join("|")}"` : ""}}`;
  return alert({
    name: "GuestInNoBackupJob",
    expression: `lab_pve_guest_in_backup_job${own} == 0`,
    forSeconds: lab.hold(3600),
    severity: "warning",
    area: "backup",
    summary: "A guest is in no backup job.",
    description: "No job backs {{ $labels.guest }} up, and the site does not say that another product does.",
  });
}

const guestBackupFailed = (lab: Lab) =>
  alert({
    name: "GuestBackupFailed",
    expression:
      'lab_pve_backup_last_ok{job="node"} == 0 unless on (instance, guest) lab_pve_backup_last_warnings{job="node"} > 0',
    forSeconds: lab.hold(60),
    severity: "warning",
    area: "backup",
    summary: "The last backup of a guest has failed.",
    description: "The last run that was to back {{ $labels.guest }} up ended in an error.",
  });

const guestBackupWarned = (lab: Lab) =>
  alert({
    name: "GuestBackupWarned",
    expression: `lab_pve_backup_last_warnings{job="node"} > ${lab.limit("guestBackupWarnings").value}`,
    limit: lab.limit("guestBackupWarnings"),
    severity: "warning",
    area: "backup",
    summary: "The last backup of a guest ended with warnings.",
    description:
      "The last run that backed {{ $labels.guest }} up told {{ $value }} warnings: perhaps its agent did not freeze the file systems.",
    value: "{{ $value }} warnings",
  });

function runsOf(lab: Lab, guest: WatchedGuest): Alert[] {
  const { name, maximumBackupAgeSeconds, backupDurationLimitSeconds } = guest;
  const of = (metric: string) => selector(metric, { job: "node", guest: name });
  const age = siteLimit(lab.limit("guestBackupAge"), maximumBackupAgeSeconds ?? 0);
  const duration = siteLimit(lab.limit("guestBackupDuration"), backupDurationLimitSeconds ?? 0);
  return [
    ...(maximumBackupAgeSeconds === undefined
      ? []
      : [
          alert({
            name: "GuestBackupNotTaken",
            expression: `time() - ${of("lab_pve_backup_last_success_timestamp_seconds")} > ${age.value}`,
            limit: age,
            severity: "warning",
            area: "backup",
            summary: "Proxmox VE has not backed a guest up in time.",
            description:
              "Proxmox VE last took a backup of {{ $labels.guest }} {{ $value | humanizeDuration }} ago.",
            value: "{{ $value | humanizeDuration }}",
          }),
        ]),
    ...(backupDurationLimitSeconds === undefined
      ? []
      : [
          alert({
            name: "GuestBackupTooLong",
            expression: `${of("lab_pve_backup_last_duration_seconds")} > ${duration.value}`,
            limit: duration,
            severity: "warning",
            area: "performance",
            summary: "Backing a guest up takes longer than it may.",
            description: "The last backup of {{ $labels.guest }} took {{ $value | humanizeDuration }}.",
            value: "{{ $value | humanizeDuration }}",
          }),
        ]),
  ];
}

const backupHangs = (lab: Lab) =>
  alert({
    name: "BackupRunHangs",
    expression: `time() - lab_pve_backup_running_start_timestamp_seconds{job="node"} > ${lab.limit("backupRunDuration").value}`,
    limit: lab.limit("backupRunDuration"),
    severity: "warning",
    area: "backup",
    summary: "A run of backups does not end.",
    description:
      "Node {{ $labels.node }} has worked on one run of backups for {{ $value | humanizeDuration }}: the next one waits for it.",
    value: "{{ $value | humanizeDuration }}",
  });

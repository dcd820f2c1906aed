import type { WatchedDatastore, WatchedGuest } from "./inventory.ts";
import type { Lab } from "./lab.ts";
import { siteLimit } from "./limit.ts";
import { type Alert, alert, type RuleGroup, selector } from "./rule.ts";

const daySeconds = 86_400;

/** Backups of guests as they lie on the backup server: there, young enough, whole and encrypted. */
export function snapshots(lab: Lab): RuleGroup {
  return {
    name: "snapshots",
    // Ages of hours and days, a rule for each of many.
    intervalSeconds: lab.every(300),
    rules: [
      ...lab.guests.flatMap((guest) => expected(lab, guest)),
      damaged(lab),
      unverified(lab),
      ...lab.datastores.map((datastore) => verificationTooOld(lab, datastore)),
      unencrypted(lab),
    ],
  };
}

function expected(lab: Lab, { name, maximumBackupAgeSeconds }: WatchedGuest): Alert[] {
  if (maximumBackupAgeSeconds === undefined) return [];
  const limit = siteLimit(lab.limit("guestBackupAge"), maximumBackupAgeSeconds);
  const newest = selector("lab_pbs_snapshot_newest_timestamp_seconds", { job: "node", guest: name });
  return [
    alert({
      name: "GuestBackupTooOld",
      // A copy in another datastore or namespace is as good.
      expression: `time() - max by (guest) (${newest}) > ${limit.value}`,
      limit,
      severity: "critical",
      area: "backup",
      summary: "The newest backup of a guest is too old.",
      description:
        "The newest backup of {{ $labels.guest }} on the backup server is {{ $value | humanizeDuration }} old. Whatever is lost now costs so much.",
      value: "{{ $value | humanizeDuration }}",
    }),
    alert({
      name: "GuestBackupUnknown",
      expression: `absent(${newest})`,
      // A new guest waits for the first run of its job.
      forSeconds: lab.hold(limit.value),
      severity: "critical",
      area: "backup",
      summary: "No backup of a guest is known.",
      description:
        "The backup server has no backup of {{ $labels.guest }}, or nobody can ask it: for longer than one may be old.",
      labels: { instance: lab.monitoringHost },
    }),
  ];
}

const damaged = (lab: Lab) =>
  alert({
    name: "GuestBackupDamaged",
    expression: 'lab_pbs_snapshots_failed{job="node"} > 0',
    forSeconds: lab.hold(60),
    severity: "critical",
    area: "integrity",
    summary: "Backups of a guest have failed their verification.",
    description:
      "{{ $value }} backups of {{ $labels.guest }} in datastore {{ $labels.datastore }} are damaged and cannot be restored as a whole.",
    value: "{{ $value }} backups",
  });

const unverified = (lab: Lab) =>
  alert({
    name: "GuestBackupNotVerified",
    expression: 'lab_pbs_snapshot_newest_verification{job="node",state="none"} == 1',
    forSeconds: lab.limit("unverifiedBackup").forSeconds,
    severity: "warning",
    area: "integrity",
    summary: "The newest backup of a guest was not verified.",
    description:
      "Nobody has read the newest backup of {{ $labels.guest }} in datastore {{ $labels.datastore }} again since it was made.",
  });

function verificationTooOld(lab: Lab, { name, verificationOutdatedAfterDays }: WatchedDatastore): Alert {
  const limit = siteLimit(lab.limit("verificationAge"), (verificationOutdatedAfterDays + 7) * daySeconds);
  return alert({
    name: "GuestVerificationTooOld",
    expression: `time() - ${selector("lab_pbs_snapshot_last_verification_timestamp_seconds", { job: "node", datastore: name })} > ${limit.value}`,
    limit,
    severity: "warning",
    area: "integrity",
    summary: "Backups of a guest have not been verified for too long.",
    description:
      "A backup of {{ $labels.guest }} in datastore {{ $labels.datastore }} was last verified well {{ $value | humanizeDuration }} ago.",
    value: "{{ $value | humanizeDuration }}",
  });
}

const unencrypted = (lab: Lab) =>
  alert({
    name: "GuestBackupNotEncrypted",
    expression: 'lab_pbs_snapshot_newest_encrypted{job="node"} == 0',
    forSeconds: lab.hold(300),
    severity: "warning",
    area: "security",
    summary: "The newest backup of a guest is not encrypted.",
    description:
      "Whoever can read datastore {{ $labels.datastore }} can read all that {{ $labels.guest }} holds: its storage has lost the encryption key.",
  });

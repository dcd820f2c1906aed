import type { Drill, DrillLab } from "./drill.ts";
import { psql } from "./psql.ts";

const primary = { instance: "proj-pg01" };
const dumps = "/mnt/backup/postgresql";
/** Starts the timer's own service and waits for its end, good or not. */
const runJob = ({ attempt }: DrillLab, unit: string) => attempt("primary", `systemctl start ${unit}.service`);

/** What breaks where backups are made and kept. */
export const backupDrills: readonly Drill[] = [
  {
    name: "break-archiving",
    breaks: "archive_command fails",
    alert: "WalArchiveFailing",
    severity: "warning",
    labels: primary,
    says: "proj-pg01",
    disturbs: ["primary"],
    // Failures count for as long as it takes to look at the server a few times: three minutes. Each try is a minute apart.
    endsWithinSeconds: 330,
    break: async ({ sh }) => {
      await sh("primary", psql("ALTER SYSTEM SET archive_command = 'false'"));
      await sh("primary", psql("SELECT pg_reload_conf()"));
      await sh("primary", psql("SELECT pg_create_restore_point('lab_drill'), pg_switch_wal()"));
    },
    mend: async ({ sh }) => {
      await sh("primary", psql("ALTER SYSTEM RESET archive_command"));
      await sh("primary", psql("SELECT pg_reload_conf()"));
    },
  },
  {
    name: "fill-backup-disk",
    breaks: "the disk of the dumps is nearly full",
    alert: "BackupDirectoryFillsUp",
    severity: "critical",
    labels: primary,
    says: "file system of dumps",
    disturbs: ["backup-disk"],
    break: async (lab) => {
      // A small disk over the folder: filling the machine's own would break more than a drill should.
      await lab.sh(
        "primary",
        `mount -t tmpfs -o size=64m,mode=0755 lab-drill ${dumps} && chown dbkeeper: ${dumps}`,
      );
      await lab.sh("primary", `fallocate -l 58M ${dumps}/lab-drill`);
      await runJob(lab, "dbkeeper-disk");
    },
    mend: async (lab) => {
      await lab.attempt("primary", `if mountpoint -q ${dumps}; then umount --lazy ${dumps}; fi`);
      await runJob(lab, "dbkeeper-disk");
    },
  },
  {
    name: "fail-dump",
    breaks: "the role that dumps may not log in",
    alert: "BackupJobFailed",
    severity: "warning",
    labels: { ...primary, command: "run" },
    says: "dbkeeper run",
    disturbs: ["backup-disk", "primary"],
    break: async (lab) => {
      await lab.sh("primary", psql("ALTER ROLE iperius_backup_pg01 NOLOGIN"));
      await runJob(lab, "dbkeeper");
    },
    mend: async (lab) => {
      await lab.sh("primary", psql("ALTER ROLE iperius_backup_pg01 LOGIN"));
      await runJob(lab, "dbkeeper");
    },
  },
  {
    name: "corrupt-dump",
    breaks: "a byte of the newest dump is turned",
    alert: "BackupJobFailed",
    severity: "warning",
    labels: { ...primary, command: "validate" },
    says: "dbkeeper validate",
    disturbs: ["backup-disk", "primary"],
    break: async (lab) => {
      await lab.sh(
        "primary",
        `${newestDump}; cp --preserve=all "$file" /var/tmp/lab-drill.saved; ${turnByte}`,
      );
      await runJob(lab, "dbkeeper-validate");
    },
    mend: async (lab) => {
      await lab.attempt(
        "primary",
        `${newestDump}; if [ -e /var/tmp/lab-drill.saved ]; then cp --preserve=all /var/tmp/lab-drill.saved "$file" && rm /var/tmp/lab-drill.saved; fi`,
      );
      await runJob(lab, "dbkeeper-validate");
      // An archive that was under way refused the dump as well, and tries again by itself only hours later.
      await runJob(lab, "dbkeeper-archive");
    },
  },
];

const newestDump = `file=$(find ${dumps}/full/pg01 -type f -size +10k ! -name manifest.json | sort | tail -n 1); test -n "$file"`;
const turnByte = `at=$(( $(stat -c %s "$file") / 2 )); byte=$(od -An -tu1 -j $at -N 1 "$file"); printf "$(printf '\\\\%03o' $(( byte ^ 255 )))" | dd of="$file" bs=1 seek=$at conv=notrunc status=none`;

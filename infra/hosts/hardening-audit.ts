import type { Guest, Site } from "../site.ts";
import { type Contribution, plainFile } from "./contribution.ts";
import { programDirectory } from "./paths.ts";
import { renderUnit } from "./unit.ts";

const unit = "lab-audit-rules.service";

/** The kernel's audit log of what changes identities, privileges, the lab's configuration and its backups. */
export function audit(site: Site, guest: Guest): Contribution {
  return {
    packages: ["auditd"],
    files: [
      {
        ...plainFile("/etc/audit/rules.d/50-lab.rules", auditRules(site, guest), [unit]),
        mode: "0640",
      },
      // The kernel's audit is one for all containers of a machine: inside of one there is none to be had.
      plainFile("/etc/systemd/system/auditd.service.d/lab.conf", "[Unit]\nConditionSecurity=audit\n"),
    ],
    units: [
      {
        // Not auditd itself: some distributions refuse to stop it, and what happens while it restarts would be lost.
        name: unit,
        content: renderUnit({
          Unit: {
            Description: "Load the audit rules",
            ConditionSecurity: "audit",
            Requires: "auditd.service",
            After: "auditd.service",
          },
          Service: { Type: "oneshot", RemainAfterExit: true, ExecStart: "/usr/sbin/augenrules --load" },
          Install: { WantedBy: "multi-user.target" },
        }),
      },
    ],
  };
}

/** One rule a line; the key (`-k`) is what `ausearch` finds the events by. Every path exists once all is delivered. */
export function auditRules(site: Site, guest: Guest): string {
  const clusters = site.databases.postgres;
  const cluster = clusters.find(({ primary, standbys }) => [primary, ...standbys].includes(guest.name));
  const keeper = clusters.find(({ primary }) => primary === guest.name);
  return [
    ...["/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow"].map((path) => written(path, "identity")),
    ...["/etc/sudoers", "/etc/sudoers.d/"].map((path) => written(path, "privileges")),
    ...["/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/"].map((path) => written(path, "remote-access")),
    ...["/etc/lab/", "/etc/systemd/system/", "/etc/audit/", programDirectory].map((path) =>
      written(path, "lab-configuration"),
    ),
    // What people do as root; auid is who logged in, whoever they have become since.
    "-a always,exit -F arch=b64 -S execve -F euid=0 -F auid>=1000 -F auid!=unset -k root-commands",
    "-a always,exit -F arch=b64 -S adjtimex,settimeofday,clock_settime -k clock",
    ...(cluster
      ? [
          written("/etc/postgresql/", "database-configuration"),
          ...["pg_basebackup", "pg_restore", "pg_rewind", "pg_resetwal", "vacuumdb", "reindexdb"].map(
            (program) =>
              executed(`/usr/lib/postgresql/${cluster.version}/bin/${program}`, "backup-restore-maintenance"),
          ),
        ]
      : []),
    ...(keeper
      ? [
          written("/etc/dbkeeper/", "lab-configuration"),
          executed("/usr/local/bin/dbkeeper", "backup-restore-maintenance"),
          // Including who deletes a dump.
          written(keeper.dump.directory, "backup-files"),
        ]
      : []),
  ]
    .map((rule) => `${rule}\n`)
    .join("");
}

/** Written to, or its owner or mode changed. */
function written(path: string, key: string): string {
  return `-w ${path} -p wa -k ${key}`;
}

function executed(path: string, key: string): string {
  return `-w ${path} -p x -k ${key}`;
}

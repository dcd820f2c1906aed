import { type Contribution, plainFile } from "./contribution.ts";

/** What a virtual server for databases or monitoring has no use for, where the image brings it. */
const needless = [
  "ModemManager.service",
  "apport.service",
  "avahi-daemon.socket",
  "avahi-daemon.service",
  "motd-news.timer",
  "multipathd.socket",
  "multipathd.service",
  "rpcbind.socket",
  "rpcbind.service",
  "snapd.socket",
  "snapd.service",
  "udisks2.service",
] as const;

/**
 * Kernel settings that neither PostgreSQL nor Prometheus notices: shared memory, huge pages, overcommit and dirty
 * pages are left to whoever tunes the database.
 */
const kernelSettings = {
  "fs.protected_fifos": 2,
  "fs.protected_hardlinks": 1,
  "fs.protected_regular": 2,
  "fs.protected_symlinks": 1,
  "fs.suid_dumpable": 0,
  // A core of a database server is a copy of its data in a place that nobody guards.
  "kernel.core_pattern": "|/bin/false",
  "kernel.dmesg_restrict": 1,
  "kernel.kptr_restrict": 2,
  "kernel.unprivileged_bpf_disabled": 1,
  "kernel.yama.ptrace_scope": 1,
  "net.ipv4.conf.all.accept_redirects": 0,
  "net.ipv4.conf.all.accept_source_route": 0,
  "net.ipv4.conf.all.log_martians": 1,
  "net.ipv4.conf.all.rp_filter": 1,
  "net.ipv4.conf.all.secure_redirects": 0,
  "net.ipv4.conf.all.send_redirects": 0,
  "net.ipv4.conf.default.accept_redirects": 0,
  "net.ipv4.conf.default.accept_source_route": 0,
  "net.ipv4.conf.default.rp_filter": 1,
  "net.ipv4.conf.default.send_redirects": 0,
  "net.ipv4.icmp_echo_ignore_broadcasts": 1,
  "net.ipv4.icmp_ignore_bogus_error_responses": 1,
  "net.ipv4.tcp_syncookies": 1,
  "net.ipv6.conf.all.accept_redirects": 0,
  "net.ipv6.conf.all.accept_source_route": 0,
  "net.ipv6.conf.default.accept_redirects": 0,
} as const;

/** Clock, log, kernel settings, core dumps, and services that are not needed. */
export function system(): Contribution {
  return {
    packages: ["chrony"],
    files: [
      plainFile(
        "/etc/sysctl.d/90-lab.conf",
        // A leading hyphen: a kernel without the setting is no failure.
        Object.entries(kernelSettings)
          .map(([name, value]) => `-${name} = ${value}\n`)
          .join(""),
        ["systemd-sysctl.service"],
      ),
      plainFile(
        "/etc/systemd/journald.conf.d/lab.conf",
        "[Journal]\nStorage=persistent\nSystemMaxUse=1G\nSystemKeepFree=1G\nMaxRetentionSec=90day\n",
        ["systemd-journald.service", "systemd-journal-flush.service"],
      ),
      plainFile("/etc/security/limits.d/90-lab.conf", "* hard core 0\nroot hard core 0\n"),
      plainFile("/etc/systemd/system.conf.d/lab.conf", "[Manager]\nDefaultLimitCORE=0\n"),
    ],
    units: [
      { name: "systemd-journald.service" },
      // journald writes to disk once it is told that the disk is there.
      { name: "systemd-journal-flush.service" },
      { name: "systemd-sysctl.service" },
      { name: "chrony.service" },
      ...needless.map((name) => ({ name, enabled: false, state: "stopped" as const })),
    ],
  };
}

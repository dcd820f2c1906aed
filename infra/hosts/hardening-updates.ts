import { type Contribution, plainFile } from "./contribution.ts";

/**
 * Security updates without anybody's doing, from the security archives of Debian and Ubuntu only. Two things they
 * must not do: restart the host, and restart PostgreSQL, which the packages of the server do when they are upgraded
 * and needrestart does when a library is. Both are left to an operator and a maintenance window.
 */
export function securityUpdates(): Contribution {
  return {
    packages: ["unattended-upgrades"],
    files: [
      // Sorts after the packages' own 20auto-upgrades and 50unattended-upgrades.
      plainFile("/etc/apt/apt.conf.d/60lab-security-updates", aptConfiguration),
      plainFile("/etc/needrestart/conf.d/lab.conf", "$nrconf{override_rc}{qr(^postgresql)} = 0;\n"),
    ],
    units: [{ name: "apt-daily.timer" }, { name: "apt-daily-upgrade.timer" }],
  };
}

// apt adds to lists instead of replacing them, hence the clearing.
const aptConfiguration = `#clear Unattended-Upgrade::Allowed-Origins;
#clear Unattended-Upgrade::Origins-Pattern;
#clear Unattended-Upgrade::Package-Blacklist;
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
APT::Periodic::AutocleanInterval "7";
Unattended-Upgrade::Origins-Pattern {
  "origin=Debian,codename=\${distro_codename}-security,label=Debian-Security";
  "origin=Ubuntu,archive=\${distro_codename}-security,label=Ubuntu";
};
Unattended-Upgrade::Package-Blacklist {
  "^postgresql";
  "^pgbackrest";
};
Unattended-Upgrade::Automatic-Reboot "false";
Unattended-Upgrade::Remove-Unused-Kernel-Packages "true";
Unattended-Upgrade::SyslogEnable "true";
`;

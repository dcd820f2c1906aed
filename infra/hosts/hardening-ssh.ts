import type { Site } from "../site.ts";
import { type Contribution, plainFile } from "./contribution.ts";
import { renderUnit } from "./unit.ts";

const unit = "lab-sshd.service";

/** SSH by key, for the one account that operators and deliveries use. */
export function sshServer({ access }: Site): Contribution {
  return {
    files: [
      {
        // sshd keeps the first value it reads, and images bring files of their own that begin with larger numbers.
        ...plainFile("/etc/ssh/sshd_config.d/00-lab.conf", sshdConfiguration(access.adminUser), [unit]),
        validate: ["/usr/sbin/sshd", "-t", "-f", "%s"],
      },
    ],
    units: [
      {
        // Distributions differ in whether sshd is started with the host or by its socket: that stays as it is.
        name: unit,
        content: renderUnit({
          Unit: { Description: "Let sshd read its configuration again", After: "ssh.service" },
          Service: {
            Type: "oneshot",
            RemainAfterExit: true,
            ExecStart: "/usr/bin/systemctl try-reload-or-restart ssh.service",
          },
          Install: { WantedBy: "multi-user.target" },
        }),
      },
    ],
  };
}

/** Algorithms that OpenSSH 8.9 (Ubuntu 22.04) and later know; older clients are refused. */
export function sshdConfiguration(adminUser: string): string {
  const settings: Record<string, string | number> = {
    PasswordAuthentication: "no",
    KbdInteractiveAuthentication: "no",
    PermitEmptyPasswords: "no",
    PermitRootLogin: "no",
    AllowUsers: adminUser,
    AllowTcpForwarding: "no",
    AllowStreamLocalForwarding: "no",
    AllowAgentForwarding: "no",
    X11Forwarding: "no",
    PermitTunnel: "no",
    GatewayPorts: "no",
    PermitUserEnvironment: "no",
    // An agent offers one key after another, so an operator needs more than one attempt.
    MaxAuthTries: 4,
    LoginGraceTime: 30,
    MaxStartups: "10:30:60",
    // Ends sessions whose network has gone after five minutes.
    ClientAliveInterval: 60,
    ClientAliveCountMax: 5,
    // The fingerprint of the key that logged in is part of the audit trail.
    LogLevel: "VERBOSE",
    HostKeyAlgorithms: "ssh-ed25519",
    PubkeyAcceptedAlgorithms: [
      "ssh-ed25519",
      "sk-ssh-ed25519@openssh.com",
      "sk-ecdsa-sha2-nistp256@openssh.com",
      "ecdsa-sha2-nistp256",
      "ecdsa-sha2-nistp384",
      "ecdsa-sha2-nistp521",
      "rsa-sha2-512",
      "rsa-sha2-256",
    ].join(","),
    KexAlgorithms:
      "sntrup761x25519-sha512@openssh.com,curve25519-sha256,curve25519-sha256@libssh.org,diffie-hellman-group16-sha512,diffie-hellman-group18-sha512",
    Ciphers: "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com,aes256-ctr",
    MACs: "hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com",
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name} ${value}\n`)
    .join("");
}

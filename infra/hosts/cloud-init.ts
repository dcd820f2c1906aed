import { stringify } from "yaml";

/** What a guest is told at its first boot; everything that can change later is delivered over SSH instead. */
export interface FirstBoot {
  readonly hostname: string;
  readonly domain: string;
  readonly adminUser: string;
  /** Where sshd listens. */
  readonly sshPort: number;
  readonly authorizedKeys: readonly string[];
  /** The guest's SSH host key, made by Pulumi, so that it is known before the first connection. */
  readonly hostKey: { readonly privateKey: string; readonly publicKey: string };
  /** Where the second disk is mounted, if there is one. */
  readonly backupMountPath?: string;
}

/**
 * Packages of the first boot: what the first delivery cannot do without. It installs the others, so that a new one
 * reaches guests that exist and changes nobody's cloud-init data.
 */
export const firstBootPackages = ["ca-certificates", "curl", "qemu-guest-agent", "xz-utils"] as const;

/** Renders cloud-init user data. */
export function userData(boot: FirstBoot): string {
  const config = {
    hostname: boot.hostname,
    fqdn: `${boot.hostname}.${boot.domain}`,
    manage_etc_hosts: true,
    timezone: "Etc/UTC",
    users: [
      {
        name: boot.adminUser,
        gecos: "Operators and deliveries",
        groups: ["sudo"],
        // Deliveries write system files and units, so the account has to be able to.
        sudo: "ALL=(ALL) NOPASSWD:ALL",
        shell: "/bin/bash",
        lock_passwd: true,
        ssh_authorized_keys: boot.authorizedKeys,
      },
    ],
    disable_root: true,
    ssh_pwauth: false,
    ssh_deletekeys: true,
    ssh_genkeytypes: ["ed25519"],
    ssh_keys: { ed25519_private: boot.hostKey.privateKey, ed25519_public: boot.hostKey.publicKey },
    write_files: [
      {
        // The package would otherwise start an empty cluster of its own, without checksums, before the delivery comes.
        path: "/etc/postgresql-common/createcluster.conf",
        content: "create_main_cluster = false\nadd_include_dir = 'conf.d'\n",
        permissions: "0644",
      },
      ...(boot.sshPort === standardSshPort ? [] : [sshPortFile(boot.sshPort)]),
    ],
    ...(boot.sshPort === standardSshPort ? {} : { runcmd: takeSshPortUp }),
    ...(boot.backupMountPath === undefined ? {} : backupDisk(boot.backupMountPath)),
    package_update: true,
    packages: firstBootPackages,
  };
  return `#cloud-config\n${stringify(config)}`;
}

const standardSshPort = 22;

function sshPortFile(port: number): object {
  return { path: "/etc/ssh/sshd_config.d/10-lab-port.conf", content: `Port ${port}\n`, permissions: "0644" };
}

/** Where systemd holds the socket (Ubuntu), a generator reads the port, and that has run before the file was there. */
const takeSshPortUp = [
  ["systemctl", "daemon-reload"],
  ["systemctl", "try-restart", "ssh.socket", "ssh.service"],
];

function backupDisk(mountPath: string): object {
  return {
    fs_setup: [{ label: "backup", filesystem: "ext4", device: "/dev/sdb", overwrite: false }],
    mounts: [["LABEL=backup", mountPath, "ext4", "defaults,nofail,discard", "0", "2"]],
  };
}

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
  /** Package sources besides the distribution's, by the name of their file. */
  readonly aptSources?: Readonly<Record<string, AptSource>>;
}

/** A package source and the one key that it is believed. */
export interface AptSource {
  /** A line for sources.list; `$RELEASE` is the distribution's code name, `$KEY_FILE` where the key lies. */
  readonly source: string;
  /** The whole fingerprint, 40 hexadecimal digits: shorter ids can be made to collide. */
  readonly keyid: string;
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
    ...(boot.aptSources === undefined || Object.keys(boot.aptSources).length === 0
      ? {}
      : { apt: { sources: boot.aptSources } }),
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

/** Which disk is found first is nobody's promise; this name says at which interface of the machine it is. */
const backupDevice = "/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_drive-scsi1";

/**
 * The whole second disk as one file system, made only on a disk that is empty. cloud-init's own check compares label
 * and type, and clears a disk "for formatting" where they differ or cannot be told; systemd's looks for any signature
 * and leaves what it finds.
 */
export function backupDisk(mountPath: string, device: string = backupDevice) {
  return {
    fs_setup: [
      {
        filesystem: "ext4",
        device,
        partition: "none",
        overwrite: false,
        cmd: "/usr/lib/systemd/systemd-makefs %(filesystem)s %(device)s",
      },
    ],
    // A host whose backup disk is lost has to boot all the same, to say so.
    mounts: [[device, mountPath, "ext4", "defaults,nofail,nodev,nosuid,noexec,discard", "0", "2"]],
  };
}

import { createHash } from "node:crypto";

/** Everything that decides what the guest image contains; its hash names the image. */
export interface ImageRecipe {
  /** Raised when the builder itself changes what comes out. */
  revision: number;
  suite: string;
  packages: string[];
  /** Files written before the packages are installed, path → content. */
  filesBefore: Record<string, string>;
  /** Files written afterwards, path → content. */
  filesAfter: Record<string, string>;
  /** Units that never start in a guest. */
  masked: string[];
  /** Folders of which the content, and files which as such, are removed before packing. */
  removed: string[];
  locales: string[];
  compression: string[];
}

const quietDpkg = [
  "path-exclude=/usr/share/doc/*",
  "path-exclude=/usr/share/man/*",
  "path-exclude=/usr/share/info/*",
  "path-exclude=/usr/share/locale/*",
  "path-exclude=/usr/share/lintian/*",
  // The tree is packed and thrown away, so durability while unpacking only costs time.
  "force-unsafe-io",
];

const cloudInit = [
  "datasource_list: [NoCloud]",
  // The private network has no way out: the sources are empty and must stay so.
  "apt: {preserve_sources_list: true}",
  "",
];

/** Its own unit waits for a device that a container never has; the simulated node enters the guest instead. */
const guestAgentUnit = [
  "[Unit]",
  "Description=Stand-in for the QEMU guest agent",
  "[Service]",
  "Type=oneshot",
  "RemainAfterExit=yes",
  "ExecStart=/bin/true",
  "[Install]",
  "WantedBy=multi-user.target",
  "",
].join("\n");

/** The guest image of the rehearsal: what a cloud image brings, and the packages the lab's hosts ask for. */
export const guestRecipe: ImageRecipe = {
  revision: 2,
  suite: "bookworm",
  packages: [
    "systemd",
    "systemd-sysv",
    "dbus",
    "openssh-server",
    "cloud-init",
    "ifupdown",
    "iproute2",
    "nftables",
    "chrony",
    "auditd",
    "unattended-upgrades",
    "locales",
    "sudo",
    "curl",
    "ca-certificates",
    "zstd",
    "xz-utils",
    "less",
    "procps",
    "python3",
    "postgresql-15",
    "pgbackrest",
    "age",
    "msmtp-mta",
    // Has nothing to talk to in a container, but cloud-init data for Proxmox guests asks for it.
    "qemu-guest-agent",
  ],
  filesBefore: {
    "/etc/dpkg/dpkg.cfg.d/small": `${quietDpkg.join("\n")}\n`,
    "/etc/apt/apt.conf.d/90small":
      'APT::Install-Recommends "false";\nAcquire::Languages "none";\nDPkg::Use-Pty "false";\n',
    // Nothing may start while the image is built.
    "/usr/sbin/policy-rc.d": "#!/bin/sh\nexit 101\n",
    // Whoever delivers the configuration creates the cluster.
    "/etc/postgresql-common/createcluster.conf": "create_main_cluster = false\n",
  },
  filesAfter: {
    "/etc/apt/sources.list": "",
    "/etc/cloud/cloud.cfg.d/90-image.cfg": cloudInit.join("\n"),
    "/etc/network/interfaces": "source /etc/network/interfaces.d/*\n\nauto lo\niface lo inet loopback\n",
    // Sorts before whatever is delivered.
    "/etc/systemd/journald.conf.d/00-image.conf": "[Journal]\nStorage=volatile\nRuntimeMaxUse=32M\n",
    // The kernel's audit belongs to the host. The package does not ask for it, and would fail at the first boot.
    "/etc/systemd/system/auditd.service.d/00-image.conf": "[Unit]\nConditionSecurity=audit\n",
    "/etc/systemd/system/qemu-guest-agent.service": guestAgentUnit,
    "/etc/default/locale": "LANG=C.UTF-8\n",
    "/etc/resolv.conf": "",
    // Empty, not missing: missing would mean a first boot with its wizard.
    "/etc/machine-id": "",
  },
  masked: [
    // ifupdown configures the interface from cloud-init's network-config.
    "systemd-networkd.service",
    "systemd-networkd.socket",
    "systemd-networkd-wait-online.service",
    "ifupdown-wait-online.service",
    "systemd-firstboot.service",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    // Nobody sits at the console.
    "console-getty.service",
    "getty@.service",
  ],
  removed: [
    "/usr/sbin/policy-rc.d",
    "/etc/hostname",
    "/usr/share/doc",
    "/usr/share/man",
    "/usr/share/info",
    "/usr/share/locale",
    "/usr/share/lintian",
    "/var/cache/apt",
    "/var/cache/debconf",
    "/var/lib/apt/lists",
    "/var/lib/dbus/machine-id",
    "/var/log",
    "/tmp",
  ],
  locales: ["en_US.UTF-8 UTF-8"],
  compression: ["-comp", "zstd", "-Xcompression-level", "3"],
};

/** Short hash of a recipe; the same recipe gives the same name on every machine. */
export function recipeHash(recipe: ImageRecipe): string {
  return createHash("sha256").update(JSON.stringify(recipe)).digest("hex").slice(0, 16);
}

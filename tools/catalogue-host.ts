import type { Tool } from "./catalogue.ts";

/** Tools of the host: from the distribution, and the AWS stand-in from PyPI. */
export const hostTools = {
  age: {
    name: "age",
    why: "Encrypts the runs of the backup runtime, in its tests.",
    minimum: { version: "1.0.0", why: "the first whose format is stable" },
    versionQuery: { args: ["--version"], pattern: /v?(\d+(?:\.\d+)+)/ },
    debianPackage: "age",
  },
  moto_server: {
    name: "moto_server",
    why: "Speaks the AWS API (S3, KMS, IAM, SNS) on this machine.",
    minimum: {
      version: "5.1.0",
      why: "GLACIER restores and Object Lock were tried with 5.2; 5.1 is the oldest of that line",
    },
    // moto_server itself knows no --version; importing its server shows that its own packages are there.
    versionQuery: {
      interpreter: true,
      args: ["-c", "import moto.server; print(moto.__version__)"],
      pattern: /(\d+\.\d+\.\d+\S*)/,
    },
    python: { requirements: "requirements.txt", version: "5.2.5", script: "moto_server" },
  },
  debootstrap: {
    name: "debootstrap",
    why: "Builds the guests' Debian image once.",
    minimum: { version: "1.0.123", why: "older ones may lack the script of Debian 12" },
    versionQuery: { args: ["--version"], pattern: /debootstrap (\d+(?:\.\d+)*)/ },
    debianPackage: "debootstrap",
  },
  "systemd-nspawn": {
    name: "systemd-nspawn",
    why: "Starts the guests: real systems without a hypervisor.",
    minimum: {
      version: "247",
      why: "the oldest that distributions still support; guests were tried with 252",
    },
    versionQuery: { args: ["--version"], pattern: /systemd (\d+)/ },
    debianPackage: "systemd-container",
  },
  mksquashfs: {
    name: "mksquashfs",
    why: "Packs the guests' image into one read-only file.",
    minimum: { version: "4.4", why: "zstd and reproducible output came with 4.4" },
    versionQuery: { args: ["-version"], pattern: /mksquashfs version (\d+(?:\.\d+)*)/ },
    debianPackage: "squashfs-tools",
  },
  ip: {
    name: "ip",
    why: "Makes the private bridge of the guests.",
    versionQuery: { args: ["-V"], pattern: /iproute2-(\d+(?:\.\d+)*)/ },
    debianPackage: "iproute2",
  },
  openssl: {
    name: "openssl",
    why: "Issues the certificates of the simulated APIs.",
    minimum: { version: "1.1.1", why: "older ones have neither TLS 1.3 nor `req -addext`" },
    versionQuery: { args: ["version"], pattern: /OpenSSL (\d+\.\d+\.\d+)/ },
    debianPackage: "openssl",
  },
  "ssh-keygen": {
    name: "ssh-keygen",
    why: "Makes the guests' host keys before they exist, so that none is trusted on first use.",
    debianPackage: "openssh-client",
  },
  nft: {
    name: "nft",
    why: "Closes the private network of the guests.",
    minimum: { version: "0.9.0", why: "older ones cannot write their rules as JSON" },
    versionQuery: { args: ["--version"], pattern: /nftables v(\d+(?:\.\d+)*)/ },
    debianPackage: "nftables",
  },
  postgresql: {
    name: "postgresql",
    why: "A PostgreSQL server for the tests of the backup runtime.",
    executable: "postgres",
    minimum: {
      version: "15",
      why: "15 dropped exclusive backups and is the oldest that the runtime supports",
    },
    versionQuery: { args: ["--version"], pattern: /PostgreSQL\) (\d+(?:\.\d+)*)/ },
    // PATH may hold links to single programs; these folders have the whole server, newest first.
    versionedFolders: ["/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin"],
    debianPackage: "postgresql",
  },
  pgbackrest: {
    name: "pgbackrest",
    why: "Physical backups and WAL, in the tests of the backup runtime.",
    minimum: { version: "2.39", why: "older ones cannot bundle small files" },
    versionQuery: { args: ["version"], pattern: /pgBackRest (\d+(?:\.\d+)*)/ },
    debianPackage: "pgbackrest",
  },
  msmtp: {
    name: "msmtp",
    why: "Hands mails to a relay, in the tests of reports.",
    debianPackage: "msmtp",
  },
  sshd: {
    name: "sshd",
    why: "A real SSH server for the tests of deliveries.",
    folders: ["/usr/sbin"],
    debianPackage: "openssh-server",
  },
  zstd: {
    name: "zstd",
    why: "Compresses dumps of servers whose pg_dump cannot, in the tests of the backup runtime.",
    debianPackage: "zstd",
  },
} satisfies Record<string, Tool>;

/** What builds other tools: needed only where one has to be built. */
export const builders = {
  go: {
    name: "go",
    why: "Builds the tools that are pinned as Go modules.",
    minimum: {
      version: "1.21",
      why: "from 1.21 on, Go fetches by itself the newer toolchain that a go.mod names",
    },
    versionQuery: { args: ["version"], pattern: /go version go(\d+(?:\.\d+)*)/ },
    folders: ["/usr/local/go/bin"],
    debianPackage: "golang-go",
  },
  python: {
    name: "python",
    why: "Runs the AWS stand-in, in an environment of its own.",
    executable: "python3",
    minimum: { version: "3.10", why: "the pinned packages need it, with its modules venv and ensurepip" },
    versionQuery: {
      args: ["-c", "import ensurepip, venv, platform; print('python', platform.python_version())"],
      pattern: /^python (\d+(?:\.\d+)*)/m,
    },
    debianPackage: "python3-venv",
  },
} satisfies Record<string, Tool>;

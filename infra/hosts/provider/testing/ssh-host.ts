import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import type { z } from "zod";
import type { connectionSchema } from "../inputs.ts";
import { makeSshKey } from "../ssh-keys.ts";
import { FakeHost, notRoot } from "./fake-host.ts";

const sshd = findOnPath("sshd");

/** Why a real sshd cannot be started here; undefined where it can. */
export const noSshd = notRoot ?? (sshd ? undefined : "needs sshd (package openssh-server)");

/**
 * A host behind a real sshd on a free loopback port. It runs in a mount namespace of its own, in which the folders
 * that deliveries use are folders of this host, so that nothing of the machine is touched.
 */
export class SshHost extends FakeHost {
  readonly hostKey = makeSshKey("host");
  readonly loginKey = makeSshKey("login");
  port = 0;
  private server: ChildProcess | undefined;

  constructor() {
    super("/etc/systemd/system");
  }

  async reservePort(): Promise<void> {
    const probe = createServer().listen(0, "127.0.0.1");
    await once(probe, "listening");
    const address = probe.address();
    if (typeof address === "object" && address) this.port = address.port;
    probe.close();
    await once(probe, "close");
  }

  async startSshd(): Promise<void> {
    if (this.port === 0) await this.reservePort();
    writeFileSync(this.path("host_key"), this.hostKey.privateKey, { mode: 0o600 });
    writeFileSync(this.path("authorized_keys"), `${this.loginKey.publicKey}\n`, { mode: 0o600 });
    writeFileSync(
      this.path("sshd_config"),
      [
        `ListenAddress 127.0.0.1:${this.port}`,
        `HostKey ${this.path("host_key")}`,
        `AuthorizedKeysFile ${this.path("authorized_keys")}`,
        "PidFile none",
        "StrictModes no",
        "UsePAM no",
        "PasswordAuthentication no",
        "PermitRootLogin prohibit-password",
        `SetEnv PATH=${this.bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
      ].join("\n"),
    );
    const script = [
      'mount --bind "$1" /var/lib',
      'mount --bind "$2" /etc/systemd/system',
      "mount -t tmpfs tmpfs /run",
      "mkdir -m 755 /run/sshd",
      'exec "$3" -D -e -f "$4"',
    ].join(" && ");
    const namespace = ["--mount", "--propagation", "private", "/bin/sh", "-c", script, "sh"];
    this.server = spawn("unshare", [
      ...namespace,
      this.state,
      this.units,
      sshd ?? "sshd",
      this.path("sshd_config"),
    ]);
    writeFileSync(this.path("systemd/sshd-pid"), String(this.server.pid));
    const said: string[] = [];
    const lines = createInterface(this.server.stderr ?? process.stdin);
    await new Promise<void>((resolve, reject) => {
      lines.on("line", (line) => {
        said.push(line);
        if (line.startsWith("Server listening")) resolve();
      });
      this.server?.once("exit", () => reject(new Error(`sshd ended: ${said.join("\n")}`)));
    });
  }

  async stopSshd(): Promise<void> {
    const server = this.server;
    this.server = undefined;
    if (!server || server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, "exit");
    server.kill();
    await exited;
  }

  connection(changes: Partial<z.input<typeof connectionSchema>> = {}): z.input<typeof connectionSchema> {
    return {
      address: "127.0.0.1",
      port: this.port,
      user: "root",
      privateKey: this.loginKey.privateKey,
      hostKey: this.hostKey.publicKey,
      connectTimeoutSeconds: 20,
      ...changes,
    };
  }
}

function findOnPath(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin"];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

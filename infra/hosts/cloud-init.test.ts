import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { type FirstBoot, userData } from "./cloud-init.ts";

const boot: FirstBoot = {
  hostname: "proj-pg01",
  domain: "example.org",
  adminUser: "lab-admin",
  sshPort: 22,
  authorizedKeys: ["ssh-ed25519 AAAA operator"],
  hostKey: { privateKey: "private", publicKey: "public" },
};

describe("SSH at the first boot", () => {
  it("listens on 22 without a word about it", () => {
    const config = parse(userData(boot));
    expect(JSON.stringify(config)).not.toContain("sshd_config");
    expect(config.runcmd).toBeUndefined();
  });

  it("listens elsewhere once the file is written, whoever holds the socket", () => {
    const config = parse(userData({ ...boot, sshPort: 2222 }));
    expect(config.write_files).toContainEqual({
      path: "/etc/ssh/sshd_config.d/10-lab-port.conf",
      content: "Port 2222\n",
      permissions: "0644",
    });
    expect(config.runcmd).toEqual([
      ["systemctl", "daemon-reload"],
      ["systemctl", "try-restart", "ssh.socket", "ssh.service"],
    ]);
  });
});

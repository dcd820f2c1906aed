import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import lab from "../../stacks/lab.ts";
import { parseSite } from "../site.ts";
import { aptSources } from "./apt-sources.ts";
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

describe("the disk for backups", () => {
  it("is named by its interface, mounted without programs and devices, and never in the way of a boot", () => {
    const { fs_setup, mounts } = parse(userData({ ...boot, backupMountPath: "/mnt/backup" }));
    expect(fs_setup).toEqual([
      expect.objectContaining({ device: expect.stringMatching(/drive-scsi1$/), overwrite: false }),
    ]);
    expect(mounts[0].slice(0, 2)).toEqual([fs_setup[0].device, "/mnt/backup"]);
    expect(mounts[0][3].split(",")).toEqual(expect.arrayContaining(["nofail", "nodev", "nosuid", "noexec"]));
  });
});

describe("package sources", () => {
  const clusterFrom = (packages: "distribution" | "pgdg") => {
    const { databases, ...rest } = lab();
    const site = parseSite({
      ...rest,
      databases: { ...databases, postgres: databases.postgres.map((cluster) => ({ ...cluster, packages })) },
    });
    return (name: string) => {
      const guest = site.guests.find((candidate) => candidate.name === name);
      if (!guest) throw new Error(`no guest ${name}`);
      return parse(userData({ ...boot, aptSources: aptSources(site, guest) })).apt;
    };
  };

  it("are the distribution's alone unless the site says otherwise", () => {
    expect(clusterFrom("distribution")("proj-pg01")).toBeUndefined();
  });

  it("are believed one key, named by its whole fingerprint, on the members of the cluster", () => {
    const from = clusterFrom("pgdg");
    for (const member of ["proj-pg01", "proj-pg02"]) {
      const { source, keyid } = from(member).sources["pgdg.list"];
      expect(source).toContain("[signed-by=$KEY_FILE] https://");
      expect(keyid).toMatch(/^[0-9A-F]{40}$/);
    }
    expect(from("proj-mon01")).toBeUndefined();
  });
});

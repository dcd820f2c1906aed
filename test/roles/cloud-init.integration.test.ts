import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { aptSources } from "../../infra/hosts/apt-sources.ts";
import { backupDisk, userData } from "../../infra/hosts/cloud-init.ts";
import { parseSite } from "../../infra/site.ts";
import { buildImage, sha256OfFile } from "../../rehearsal/image/build.ts";
import lab from "../../stacks/lab.ts";

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn("skipped: the guest image is entered as root");

/** Runs a script (`$1`, …: its arguments) inside of the guest image, over which nothing stays behind. */
const inImage = `set -eu
cd "$1"; image=$2; shift 2
mkdir -p image upper work root
mount -t squashfs -o loop,ro "$image" image
mount -t overlay -o lowerdir=image,upperdir=upper,workdir=work lab root
mount --rbind /dev root/dev
mount --rbind /sys root/sys
mount -t proc proc root/proc
exec chroot root "$@"`;

/** What cloud-init does with an entry of fs_setup. */
const setup = `import json, sys
from cloudinit.config import cc_disk_setup
cc_disk_setup.mkfs(json.loads(sys.argv[1]))`;

describe.skipIf(!isRoot)("the guest image's own cloud-init", () => {
  let folder: string;
  let image: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "lab-cloud-init-"));
    const cacheDir = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "astronomy-lab");
    image = (await buildImage({ cacheDir })).path;
  }, 600_000);

  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function enter(...argv: readonly string[]) {
    const place = await mkdtemp(join(folder, "root-"));
    const namespace = ["--mount", "--propagation", "private", "sh", "-c", inImage, "sh"];
    return execa("unshare", [...namespace, place, image, ...argv], { all: true });
  }

  it("accepts everything that the user data of a guest can hold", async () => {
    const { databases, ...rest } = lab();
    const postgres = databases.postgres.map((cluster) => ({ ...cluster, packages: "pgdg" as const }));
    const site = parseSite({ ...rest, databases: { ...databases, postgres } });
    const guest = site.guests.find(({ name }) => name === "proj-pg01");
    if (!guest) throw new Error("no guest");
    const text = userData({
      hostname: guest.name,
      domain: site.domain,
      adminUser: site.access.adminUser,
      sshPort: 2222,
      authorizedKeys: ["ssh-ed25519 AAAA operator"],
      hostKey: { privateKey: "private", publicKey: "public" },
      backupMountPath: "/mnt/backup",
      aptSources: aptSources(site, guest),
    });
    expect(text).toContain("pgdg.list");
    const script = 'printf "%s" "$1" > /user-data; exec cloud-init schema --config-file /user-data';
    const { all } = await enter("sh", "-c", script, "sh", text);
    expect(all).toMatch(/^Valid cloud-config/);
  });

  describe("a disk for backups", () => {
    /** Hands a disk with some content to cloud-init and tells what has become of it. */
    async function givenDisk(name: string, prepare: (file: string) => Promise<unknown>) {
      const file = join(folder, name);
      await writeFile(file, "");
      await truncate(file, 64 << 20);
      await prepare(file);
      const before = await sha256OfFile(file);
      const { stdout: device } = await execa("losetup", ["--show", "--find", file]);
      try {
        const [entry] = backupDisk("/mnt/backup", device).fs_setup;
        await enter("python3", "-c", setup, JSON.stringify(entry));
      } finally {
        await execa("losetup", ["--detach", device]);
      }
      return { file, isUntouched: before === (await sha256OfFile(file)) };
    }

    it("is formatted where it is empty", async () => {
      const { file } = await givenDisk("empty", async () => undefined);
      const { stdout } = await execa("blkid", ["--probe", "--output", "value", "--match-tag", "TYPE", file]);
      expect(stdout).toBe("ext4");
    });

    it.each([
      ["a file system of the same kind", (file: string) => execa("mkfs.ext4", ["-q", "-L", "backup", file])],
      ["one of another name", (file: string) => execa("mkfs.ext4", ["-q", "-L", "old-dumps", file])],
      [
        "an encrypted volume",
        (file: string) => writeFile(file, Buffer.from("LUKS\xba\xbe\0\x02", "latin1"), { flag: "r+" }),
      ],
    ])("keeps %s", async (name, prepare) => {
      expect((await givenDisk(name.replaceAll(" ", "-"), prepare)).isUntouched).toBe(true);
    });
  });
});

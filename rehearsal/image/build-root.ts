/**
 * Builds the image inside a private mount and process namespace: whatever is mounted here vanishes with this
 * program, however it ends. Started by build.ts only. Arguments: target file, working folder, mirror or "".
 */
import { existsSync } from "node:fs";
import { chmod, mkdir, open, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { syncFolder } from "../lib/files.ts";
import { guestRecipe, type ImageRecipe } from "./recipe.ts";

const treeMiBNeeded = 3072;

async function build(target: string, work: string, mirror: string, recipe: ImageRecipe): Promise<void> {
  // Whoever held the lock before may have built it.
  if (existsSync(target)) return;
  await removeLeftovers(dirname(target), work);
  await mkdir(work, { recursive: true, mode: 0o700 });
  // This namespace would keep the images of running guests in use after they are gone.
  await execa("umount", ["--all", "--types", "squashfs"], { reject: false });
  const inMemory = (await availableMemoryMiB()) > 2 * treeMiBNeeded;
  if (inMemory) {
    await run("keep the tree in memory", "mount", [
      "-t",
      "tmpfs",
      "-o",
      `size=${treeMiBNeeded}m`,
      "lab-image",
      work,
    ]);
  }
  const root = join(work, "root");
  await mkdir(root, { mode: 0o755 });
  const debootstrap = ["--variant=minbase", "--include=ca-certificates", recipe.suite, root];
  await run("unpack the base system", "debootstrap", mirror === "" ? debootstrap : [...debootstrap, mirror]);
  await installPackages(root, recipe);
  progress("adapt the system to guests");
  await adapt(root, recipe);
  await pack(root, target, recipe);
  if (inMemory) await run("free the memory", "umount", [work]);
  await removeLeftovers(dirname(target), work);
}

/** What this or a killed build leaves; mounts of a killed one are gone with its namespace. */
async function removeLeftovers(folder: string, work: string): Promise<void> {
  await rm(work, { recursive: true, force: true });
  for (const name of await readdir(folder)) if (name.endsWith(".tmp")) await rm(join(folder, name));
}

async function installPackages(root: string, recipe: ImageRecipe): Promise<void> {
  for (const [path, content] of Object.entries(recipe.filesBefore)) await put(root, path, content);
  await chmod(join(root, "usr/sbin/policy-rc.d"), 0o755);
  await run("mount /proc", "mount", ["-t", "proc", "proc", join(root, "proc")]);
  await inRoot(root, "update the package lists", ["apt-get", "-q", "update"]);
  await inRoot(root, "install packages", [
    "apt-get",
    "-q",
    "-y",
    "-o",
    "Dpkg::Options::=--force-confold",
    "install",
    ...recipe.packages,
  ]);
  await writeFile(join(root, "etc/locale.gen"), `${recipe.locales.join("\n")}\n`);
  await inRoot(root, "generate locales", ["locale-gen"]);
  await inRoot(root, "lock root", ["passwd", "--lock", "root"]);
}

async function adapt(root: string, recipe: ImageRecipe): Promise<void> {
  await run("unmount /proc", "umount", [join(root, "proc")]);
  for (const path of recipe.removed) await clear(join(root, path));
  for (const name of await readdir(join(root, "etc/ssh"))) {
    // Each guest gets its keys from its own cloud-init data.
    if (name.startsWith("ssh_host_")) await rm(join(root, "etc/ssh", name));
  }
  for (const [path, content] of Object.entries(recipe.filesAfter)) await put(root, path, content);
  for (const unit of recipe.masked) {
    const link = join(root, "etc/systemd/system", unit);
    await rm(link, { force: true });
    await symlink("/dev/null", link);
  }
  // PostgreSQL, sshd and journald expect their log folders to be there.
  for (const folder of ["var/log/postgresql", "var/log/pgbackrest"])
    await mkdir(join(root, folder), { recursive: true });
  await inRoot(root, "hand the log folders over", [
    "chown",
    "postgres:postgres",
    "/var/log/postgresql",
    "/var/log/pgbackrest",
  ]);
}

async function pack(root: string, target: string, recipe: ImageRecipe): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const temporary = `${target}.${process.ppid}-${Date.now()}.tmp`;
  try {
    await run("pack the image", "mksquashfs", [
      root,
      temporary,
      "-noappend",
      "-no-progress",
      "-quiet",
      ...recipe.compression,
    ]);
    const handle = await open(temporary, "r");
    await handle.sync();
    await handle.close();
    await rename(temporary, target);
    await syncFolder(dirname(target));
  } finally {
    await rm(temporary, { force: true });
  }
}

async function put(root: string, path: string, content: string): Promise<void> {
  const full = join(root, path);
  await mkdir(dirname(full), { recursive: true });
  await rm(full, { force: true });
  await writeFile(full, content);
}

async function clear(path: string): Promise<void> {
  const entries = await readdir(path).catch(() => undefined);
  if (entries === undefined) return rm(path, { force: true });
  for (const entry of entries) await rm(join(path, entry), { recursive: true, force: true });
}

async function inRoot(root: string, what: string, argv: [string, ...string[]]): Promise<void> {
  await run(what, "chroot", [root, ...argv]);
}

async function run(what: string, command: string, args: string[]): Promise<void> {
  progress(what);
  const result = await execa(command, args, {
    reject: false,
    all: true,
    stdin: "ignore",
    env: {
      DEBIAN_FRONTEND: "noninteractive",
      LC_ALL: "C.UTF-8",
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    },
  });
  if (result.exitCode !== 0) {
    const tail = (result.all || result.message || "").split("\n").slice(-15).join("\n");
    throw new Error(`cannot ${what}: ${command} ended with ${result.exitCode ?? result.signal}\n${tail}`);
  }
}

async function availableMemoryMiB(): Promise<number> {
  const match = /^MemAvailable:\s+(\d+) kB$/m.exec(await readFile("/proc/meminfo", "utf8"));
  return match === null ? 0 : Number(match[1]) / 1024;
}

function progress(message: string): void {
  process.stdout.write(`${message}\n`);
}

const [target, work, mirror] = process.argv.slice(2);
if (target === undefined || work === undefined || mirror === undefined) {
  process.stderr.write("usage: build-root.ts TARGET WORK MIRROR\n");
  process.exit(2);
}
try {
  await build(target, work, mirror, guestRecipe);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

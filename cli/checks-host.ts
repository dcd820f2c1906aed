import { existsSync } from "node:fs";
import { readFile, statfs } from "node:fs/promises";
import { totalmem } from "node:os";
import { dirname, join } from "node:path";
import { type Command, cacheRoot, machineContext, run, type ToolContext } from "../tools/context.ts";
import { elevation } from "../tools/debian.ts";
import type { Check } from "./checks.ts";

const gigabyte = 1e9;
const minimumDiskBytes = 6 * gigabyte;
/** A machine sold with 4 GB shows a little less. */
const minimumMemoryBytes = 3.7 * gigabyte;

const waysOut =
  "run it in a privileged dev container (.devcontainer) or in a Linux VM; preview and unit tests need none of it";

/** What the guests need of this machine, apart from tools. */
export async function checkHost(context: ToolContext = machineContext()): Promise<Check[]> {
  if (process.platform !== "linux") {
    const detail = `the guests are Linux systems; this is ${process.platform}`;
    return [{ name: "Linux", state: "missing", detail, remedy: waysOut }, checkNode()];
  }
  const elevated = await elevation(context);
  return [
    { name: "Linux", state: "ok", detail: process.arch },
    checkRoot(elevated, context),
    await checkNamespaces(elevated, context),
    await checkFileSystem("overlay", "overlayfs", elevated, context),
    await checkFileSystem("squashfs", "squashfs", elevated, context),
    checkLoop(),
    checkControlGroups(),
    await checkDisk("disk, cache", cacheRoot(context.env)),
    await checkDisk("disk, checkout", join(import.meta.dirname, "..")),
    checkMemory(totalmem()),
    checkNode(),
  ];
}

function checkRoot(elevated: readonly string[] | undefined, context: ToolContext): Check {
  if (context.userId === 0) return { name: "root", state: "ok", detail: "running as root" };
  if (elevated !== undefined) return { name: "root", state: "ok", detail: "sudo without a password" };
  return {
    name: "root",
    state: "missing",
    detail: "neither root nor sudo without a password",
    remedy: `run it as root (sudo ./lab up), or ${waysOut}`,
  };
}

async function checkNamespaces(
  elevated: readonly string[] | undefined,
  context: ToolContext,
): Promise<Check> {
  const name = "namespaces";
  if (elevated === undefined) return { name, state: "warning", detail: "cannot be tried without root" };
  const [file = "unshare", ...args] = [
    ...elevated,
    "unshare",
    "--mount",
    "--pid",
    "--net",
    "--uts",
    "--fork",
    "true",
  ];
  const command: Command = [file, ...args];
  const { ok, output } = await run(context, command, { timeoutSeconds: 10 });
  if (ok) return { name, state: "ok", detail: "mount, pid, network and uts" };
  return { name, state: "missing", detail: output.trim().split("\n").at(-1) ?? "refused", remedy: waysOut };
}

async function checkFileSystem(
  fileSystem: string,
  name: string,
  elevated: readonly string[] | undefined,
  context: ToolContext,
): Promise<Check> {
  const known = (await readFile("/proc/filesystems", "utf8"))
    .split("\n")
    .some((line) => line.endsWith(`\t${fileSystem}`));
  if (known) return { name, state: "ok", detail: "in the kernel" };
  const [file = "modprobe", ...args] = [...(elevated ?? []), "modprobe", "--dry-run", fileSystem];
  if ((await run(context, [file, ...args], { timeoutSeconds: 10 })).ok)
    return { name, state: "ok", detail: "as a kernel module, loaded on first use" };
  return { name, state: "missing", detail: "neither in the kernel nor a module of it", remedy: waysOut };
}

function checkLoop(): Check {
  const name = "loop devices";
  if (existsSync("/dev/loop-control")) return { name, state: "ok", detail: "/dev/loop-control" };
  return {
    name,
    state: "missing",
    detail: "no /dev/loop-control",
    remedy: `modprobe loop as root, or ${waysOut}`,
  };
}

function checkControlGroups(): Check {
  const name = "control groups";
  if (existsSync("/sys/fs/cgroup/cgroup.controllers")) return { name, state: "ok", detail: "version 2" };
  if (existsSync("/sys/fs/cgroup/systemd") || existsSync("/sys/fs/cgroup/memory"))
    return {
      name,
      state: "ok",
      detail: "version 1: enough for the guests' systemd 252, not for 256 or newer",
    };
  return { name, state: "missing", detail: "not mounted; the guests' systemd needs them", remedy: waysOut };
}

async function checkDisk(name: string, folder: string): Promise<Check> {
  let existing = folder;
  while (!existsSync(existing)) existing = dirname(existing);
  const { bavail, bsize } = await statfs(existing);
  return judgeDisk(name, folder, bavail * bsize);
}

/** Whether the free bytes of a folder's file system are enough. */
export function judgeDisk(name: string, folder: string, freeBytes: number): Check {
  const detail = `${(freeBytes / gigabyte).toFixed(0)} GB free at ${folder}`;
  if (freeBytes >= minimumDiskBytes) return { name, state: "ok", detail };
  const remedy = `free ${((minimumDiskBytes - freeBytes) / gigabyte).toFixed(1)} GB more there (6 GB are needed)`;
  return { name, state: "missing", detail, remedy };
}

/** Whether this much memory is enough. */
export function checkMemory(totalBytes: number): Check {
  const name = "memory";
  const detail = `${(totalBytes / gigabyte).toFixed(1)} GB`;
  if (totalBytes >= minimumMemoryBytes) return { name, state: "ok", detail };
  return { name, state: "missing", detail, remedy: `4 GB are needed; ${waysOut}` };
}

function checkNode(): Check {
  return { name: "Node.js", state: "ok", detail: `${process.versions.node} at ${process.execPath}` };
}

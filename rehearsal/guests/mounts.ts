import { randomUUID } from "node:crypto";
import { copyFile, link, mkdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { z } from "zod";
import { isMissing } from "../lib/files.ts";
import { waitFor } from "../lib/wait.ts";

const mounting = new Map<string, Promise<string>>();

/**
 * Links (or copies) an image into a folder under its checksum, so that it outlives the file it came from.
 *
 * @param folder where the images of the checkout are kept and mounted
 */
export async function keepImage(folder: string, imagePath: string, sha256: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const file = imageFile(folder, sha256);
  // Several guests may be made of one image at the same time.
  const temporary = `${file}.${randomUUID()}.tmp`;
  try {
    await link(imagePath, temporary);
  } catch (error) {
    if (isMissing(error)) throw new Error(`guest image ${imagePath} does not exist`);
    await copyFile(imagePath, temporary);
  }
  await rename(temporary, file);
  // Renaming onto another link to the same file leaves the source in place.
  await rm(temporary, { force: true });
}

/** Mounts a kept image read-only, once for all guests that use it, and returns the mount point. */
export function mountImage(folder: string, sha256: string): Promise<string> {
  const key = join(folder, sha256);
  const running = mounting.get(key);
  if (running !== undefined) return running;
  const work = mountOnce(folder, sha256).finally(() => mounting.delete(key));
  mounting.set(key, work);
  return work;
}

async function mountOnce(folder: string, sha256: string): Promise<string> {
  const mountPoint = join(folder, sha256);
  await mkdir(mountPoint, { recursive: true });
  if ((await mountPointsUnder(mountPoint)).includes(mountPoint)) return mountPoint;
  await run("mount", ["-t", "squashfs", "-o", "loop,ro,nodev", imageFile(folder, sha256), mountPoint]);
  return mountPoint;
}

/** Path of a kept image. */
export function imageFile(folder: string, sha256: string): string {
  return join(folder, `${sha256}.squashfs`);
}

/** Mount points of this mount namespace at or below a folder, innermost last. */
export async function mountPointsUnder(folder: string): Promise<string[]> {
  const lines = (await readFile("/proc/self/mountinfo", "utf8")).split("\n");
  return lines
    .map((line) => unescapeMountinfo(line.split(" ")[4] ?? ""))
    .filter((point) => point === folder || point.startsWith(`${folder}/`));
}

/** mountinfo writes blanks, tabs, newlines and backslashes as octal. */
export function unescapeMountinfo(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** Unmounts everything at or below a folder. */
export async function unmountUnder(folder: string): Promise<string[]> {
  const points = (await mountPointsUnder(folder)).reverse();
  for (const point of points) await run("umount", [point]);
  return points;
}

const losetupSchema = z.object({
  loopdevices: z.array(z.object({ name: z.string(), "back-file": z.string().nullable() })),
});

/**
 * Waits for the loop devices of files below a folder to detach themselves, which takes a moment after the last
 * guest that used them, and detaches those that do not.
 */
export async function detachLoopsUnder(folder: string): Promise<string[]> {
  try {
    await waitFor(async () => (await loopsUnder(folder)).length === 0, {
      what: "the loop devices of the guest images to detach",
      timeoutSeconds: 10,
    });
    return [];
  } catch {
    const devices = await loopsUnder(folder);
    for (const device of devices) await run("losetup", ["--detach", device]);
    return devices;
  }
}

/** Loop devices of files below a folder, those of removed files included. */
export async function loopsUnder(folder: string): Promise<string[]> {
  const listed = await run("losetup", ["--json", "--list", "--output", "NAME,BACK-FILE"]);
  if (listed.trim() === "") return [];
  return losetupSchema
    .parse(JSON.parse(listed))
    .loopdevices.filter((device) => device["back-file"]?.startsWith(`${folder}/`))
    .map((device) => device.name);
}

async function run(command: string, args: string[]): Promise<string> {
  const result = await execa(command, args, { reject: false });
  if (result.exitCode !== 0)
    throw new Error(`${command} ${args.join(" ")} failed: ${result.stderr || result.message}`);
  return result.stdout;
}

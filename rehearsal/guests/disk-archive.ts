import { createReadStream } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { Readable } from "node:stream";
import { execa } from "execa";
import type { GuestPlace } from "./guest.ts";

/** The guest's own part of its disk: what it wrote over the image, or, of a record, its files. */
export type Layer = "upper" | "root";

// Whiteouts and opaque folders of the overlay are device files and attributes of their own name space. The origin of a
// file is a handle into this mount of the image and means nothing elsewhere.
const attributes = ["--xattrs", "--xattrs-include=*", "--xattrs-exclude=trusted.overlay.origin"];

/**
 * Writes the guest's layer into a file as a tar: owners, device files, holes, attributes and capabilities included.
 * The guest must not change anything meanwhile (see `setFrozen`); sockets are left out.
 */
export async function archiveDisk(place: GuestPlace, layer: Layer, file: string): Promise<void> {
  await mkdir(`${place.folder}/${layer}`, { recursive: true });
  await tar([
    ...["--create", "--file", file, "--directory", place.folder],
    ...["--format=pax", ...attributes, "--numeric-owner", "--sparse", "--warning=no-file-ignored"],
    layer,
  ]);
}

/** Makes a guest's layer of such a tar; one that is there already is replaced. */
export async function restoreDisk(
  place: GuestPlace,
  layer: Layer,
  content: AsyncIterable<Uint8Array>,
): Promise<void> {
  await rm(`${place.folder}/${layer}`, { recursive: true, force: true });
  await mkdir(place.folder, { recursive: true });
  await tar(
    [
      ...["--extract", "--file", "-", "--directory", place.folder],
      ...["--xattrs", "--xattrs-include=*", "--same-owner", "--same-permissions", "--numeric-owner"],
    ],
    content,
  );
}

/** Copies a guest's layer for another guest. */
export async function copyDisk(from: GuestPlace, to: GuestPlace, layer: Layer): Promise<void> {
  const file = `${to.folder}.copy.tar`;
  try {
    await archiveDisk(from, layer, file);
    await restoreDisk(to, layer, createReadStream(file));
  } finally {
    await rm(file, { force: true });
  }
}

async function tar(args: readonly string[], input?: AsyncIterable<Uint8Array>): Promise<void> {
  const running = execa("tar", args, {
    reject: false,
    ...(input === undefined ? { stdin: "ignore" as const } : { input: Readable.from(input) }),
  });
  const result = await running;
  if (result.exitCode !== 0) throw new Error(`tar failed: ${result.stderr || result.message}`);
}

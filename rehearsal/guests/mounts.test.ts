import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { keepImage } from "./mounts.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "images-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it("keeps one image for many guests that are created at the same time", async () => {
  const source = join(folder, "source");
  await writeFile(source, "image");
  const kept = join(folder, "kept");
  await Promise.all(Array.from({ length: 20 }, () => keepImage(kept, source, "digest")));
  expect(await readdir(kept)).toEqual(["digest.squashfs"]);
  expect(await readFile(join(kept, "digest.squashfs"), "utf8")).toBe("image");
});

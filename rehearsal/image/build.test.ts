import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { buildImage, sha256OfFile } from "./build.ts";
import { guestRecipe, recipeHash } from "./recipe.ts";

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn("a failing image build is not tested: it needs root");

let cacheDir: string;
beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), "lab-image-"));
});
afterEach(async () => {
  await rm(cacheDir, { recursive: true, force: true });
});

test("an image of the current recipe is used again, its checksum computed once", async () => {
  const path = join(cacheDir, "image", `${recipeHash(guestRecipe)}.squashfs`);
  await mkdir(join(cacheDir, "image"));
  await writeFile(path, "hsqs");
  const image = await buildImage({ cacheDir });
  expect(image).toEqual({ path, sha256: await sha256OfFile(path), sizeBytes: 4 });
  expect(await readFile(`${path}.sha256`, "utf8")).toContain(image.sha256);
});

test("another package gives another image", () => {
  const other = { ...guestRecipe, packages: [...guestRecipe.packages, "jq"] };
  expect(recipeHash(other)).not.toBe(recipeHash(guestRecipe));
  expect(recipeHash({ ...guestRecipe })).toBe(recipeHash(guestRecipe));
});

test.skipIf(!isRoot)(
  "a build that fails names the step and leaves nothing mounted or half-written",
  async () => {
    const steps: string[] = [];
    const build = buildImage({
      cacheDir,
      mirror: "http://127.0.0.1:1/debian",
      onProgress: (step) => steps.push(step),
    });
    await expect(build).rejects.toThrow(/cannot unpack the base system: debootstrap ended with 1/);
    expect(steps).toContain("unpack the base system");
    const left = await readdir(join(cacheDir, "image"), { recursive: true });
    expect(left.filter((name) => name !== "lock" && name !== "work")).toEqual([]);
    expect(await readFile("/proc/self/mountinfo", "utf8")).not.toContain(cacheDir);
  },
);

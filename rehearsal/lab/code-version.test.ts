import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { codeVersion } from "./code-version.ts";

it("changes with the code of a checkout, and with nothing else", async () => {
  const root = await mkdtemp(join(tmpdir(), "lab-code-"));
  try {
    for (const folder of ["rehearsal/pve", "infra"]) await mkdir(join(root, folder), { recursive: true });
    await writeFile(join(root, "package-lock.json"), "{}");
    await writeFile(join(root, "rehearsal/pve/main.ts"), "1");
    const first = await codeVersion(root);
    await writeFile(join(root, "rehearsal/pve/main.test.ts"), "1");
    await writeFile(join(root, "README.md"), "1");
    expect(await codeVersion(root)).toBe(first);
    await writeFile(join(root, "rehearsal/pve/main.ts"), "22");
    expect(await codeVersion(root)).not.toBe(first);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});

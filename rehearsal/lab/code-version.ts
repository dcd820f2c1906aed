import { createHash } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/**
 * A digest that changes with the code that the services run: names, sizes and times of its files, and the packages'
 * lock. A service that was started from other code is not the one that this checkout describes.
 */
export async function codeVersion(root: string): Promise<string> {
  const folders = await Promise.all(["rehearsal", "infra"].map((folder) => filesBelow(join(root, folder))));
  const files = [...folders.flat(), join(root, "package-lock.json")].sort();
  const marks = await Promise.all(
    files.map(async (file) => {
      const { size, mtimeMs } = await stat(file);
      return `${file.slice(root.length)} ${size} ${mtimeMs}`;
    }),
  );
  return createHash("sha256").update(marks.join("\n")).digest("hex").slice(0, 16);
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /(?<!\.test)\.(ts|py|sh)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}

import { createHash } from "node:crypto";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeFileAtomic } from "./system/files.ts";

/** The repository. */
export const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, "node_modules", ".cache", "astronomy-lab");

/** Where something of that name is kept that was made of sources; it stays until the packages are installed anew. */
export function keptPath(name: string): string {
  return join(folder, name);
}

/** Keeps something under a name that holds the digest of what it was made of. */
export async function keep(name: string, content: string): Promise<string> {
  const path = keptPath(name);
  await mkdir(folder, { recursive: true });
  await writeFileAtomic(path, content, 0o644);
  return path;
}

/**
 * Sixteen hexadecimal digits over the sources below a folder of the repository that are wanted, the versions of all
 * packages, and what else decides what is made of them.
 */
export async function digestOfSources(
  below: string,
  isWanted: (name: string) => boolean,
  more = "",
): Promise<string> {
  const names = (await readdir(join(root, below), { recursive: true })).filter(isWanted).sort();
  const files = [...names.map((name) => join(below, name)), "package-lock.json"];
  const hash = createHash("sha256").update(more);
  const contents = await Promise.all(files.map((file) => readFile(join(root, file))));
  for (const [index, content] of contents.entries())
    hash.update(`${files[index]} ${content.length}\n`).update(content);
  return hash.digest("hex").slice(0, 16);
}

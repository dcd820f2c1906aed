import { createHash } from "node:crypto";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Inventory } from "../../alert-rules/inventory.ts";
import { writeFileAtomic } from "../../scripts/system/files.ts";

/** A rule file for Prometheus. */
export interface RuleFile {
  /** Of the group, which is the file's as well. */
  readonly name: string;
  readonly content: string;
}

const root = fileURLToPath(new URL("../..", import.meta.url));
const cacheFolder = join(root, "node_modules", ".cache", "astronomy-lab");

/**
 * The alert rules of a site. Those that were checked before, from the same sources for the same site, are taken as they
 * were written then: reading two hundred expressions at each preview would cost more than the rest of the program.
 *
 * @throws {RuleError} where a rule is wrong, naming file and line
 */
export async function ruleFiles(inventory: Inventory): Promise<readonly RuleFile[]> {
  const file = join(cacheFolder, `rules-${await digestOf(inventory)}.json`);
  const kept = await readKept(file);
  if (kept) return kept;
  const rendered = await renderRules(inventory);
  await mkdir(cacheFolder, { recursive: true });
  await writeFileAtomic(file, JSON.stringify(rendered), 0o644);
  return rendered;
}

/** The same made anew, whatever was kept. */
export async function renderRules(inventory: Inventory): Promise<readonly RuleFile[]> {
  const { ruleGroups } = await import("../../alert-rules/groups.ts");
  const { renderRuleFile } = await import("../../alert-rules/render.ts");
  return ruleGroups(inventory).map((group) => ({
    name: group.name,
    content: renderRuleFile(group, inventory),
  }));
}

async function readKept(file: string): Promise<readonly RuleFile[] | undefined> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as readonly RuleFile[];
  } catch {
    // None, or one that cannot be read: it is made anew.
    return undefined;
  }
}

/** Over the site's own part, every source that rules are made of, and the versions of all packages. */
async function digestOf(inventory: Inventory): Promise<string> {
  const folder = join(root, "alert-rules");
  const names = (await readdir(folder, { recursive: true }))
    .filter((name) => /\.(ts|json)$/.test(name) && !/\.test\.ts$|\.proofs\.ts$|^testing\//.test(name))
    .sort();
  const files = [...names.map((name) => join(folder, name)), join(root, "package-lock.json")];
  const hash = createHash("sha256").update(JSON.stringify(inventory));
  for (const [index, content] of (await Promise.all(files.map((file) => readFile(file)))).entries())
    hash.update(`${files[index]?.slice(root.length)} ${content.length}\n`).update(content);
  return hash.digest("hex").slice(0, 16);
}

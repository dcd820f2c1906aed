import { readFile } from "node:fs/promises";
import type { Inventory } from "../../alert-rules/inventory.ts";
import { digestOfSources, keep, keptPath } from "../../scripts/kept.ts";

/** A rule file for Prometheus. */
export interface RuleFile {
  /** Of the group, which is the file's as well. */
  readonly name: string;
  readonly content: string;
}

/**
 * The alert rules of a site. Those that were checked before, from the same sources for the same site, are taken as they
 * were written then: reading two hundred expressions at each preview would cost more than the rest of the program.
 *
 * @throws {RuleError} where a rule is wrong, naming file and line
 */
export async function ruleFiles(inventory: Inventory): Promise<readonly RuleFile[]> {
  const name = `rules-${await digestOf(inventory)}.json`;
  const kept = await readKept(keptPath(name));
  if (kept) return kept;
  const rendered = await renderRules(inventory);
  await keep(name, JSON.stringify(rendered));
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

function digestOf(inventory: Inventory): Promise<string> {
  return digestOfSources(
    "alert-rules",
    (name) => /\.(ts|json)$/.test(name) && !/\.test\.ts$|\.proofs\.ts$|^testing\//.test(name),
    JSON.stringify(inventory),
  );
}

import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { renderPrometheusRule, renderRuleFile } from "../../alert-rules/render.ts";
import { writeFileAtomic } from "../../rehearsal/lib/files.ts";
import { readRules } from "./read.ts";

/** Writes a stack's rules into a folder; gives what to tell the user. */
export async function exportRules(stack: string, directory: string): Promise<string> {
  const { groups, inventory } = await readRules(stack);
  const folders = {
    prometheus: join(resolve(directory), "prometheus"),
    kubernetes: join(resolve(directory), "kubernetes"),
  };
  await mkdir(folders.prometheus, { recursive: true });
  await mkdir(folders.kubernetes, { recursive: true });
  for (const group of groups) {
    await writeFileAtomic(join(folders.prometheus, `${group.name}.yml`), renderRuleFile(group, inventory));
    await writeFileAtomic(
      join(folders.kubernetes, `${group.name}.yaml`),
      renderPrometheusRule(group, inventory),
    );
  }
  const rules = groups.reduce((sum, group) => sum + group.rules.length, 0);
  return `${rules} rules of the stack ${stack} in ${groups.length} groups:\n  ${folders.prometheus}/*.yml\n  ${folders.kubernetes}/*.yaml\n`;
}

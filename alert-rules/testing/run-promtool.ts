import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { findTool } from "../../tools/find.ts";

/** The newest promtool that this machine has. */
export const promtool = (await findTool("promtool"))?.path;
if (!promtool) console.warn("skipped: promtool is missing; ./lab doctor says how to get it");

/** A rule file, and the texts of promtool's tests on it. */
export interface RuleTests {
  readonly rules: string;
  readonly tests: readonly string[];
}

/** What promtool says of test files on a rule file; empty where all pass. */
export function runPromtool(rules: string, tests: readonly string[]): Promise<string> {
  return runPromtoolOn([{ rules, tests }]);
}

/** The same of several rule files in one start; every failure is told. */
export async function runPromtoolOn(cases: readonly RuleTests[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "lab-rules-"));
  try {
    const files = await Promise.all(
      cases.map(async ({ rules, tests }, index) => {
        const own = join(folder, `${index}`);
        await mkdir(own);
        await writeFile(join(own, "rules.yml"), rules);
        const names = tests.map((_, test) => join(own, `test-${test}.yml`));
        await Promise.all(names.map((name, test) => writeFile(name, tests[test] ?? "")));
        return names;
      }),
    );
    if (files.flat().length === 0) return "";
    const argv = ["test", "rules", ...files.flat()];
    const { exitCode, all } = await execa(promtool ?? "", argv, { all: true, reject: false });
    return exitCode === 0 ? "" : all;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

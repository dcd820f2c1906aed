import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { findTool } from "../../tools/find.ts";

/** The newest promtool that this machine has. */
export const promtool = (await findTool("promtool"))?.path;
if (!promtool) console.warn("skipped: promtool is missing; ./lab doctor says how to get it");

/** What promtool says of tests on a rule file; empty where all pass. */
export async function runPromtool(rules: string, tests: string, program = promtool ?? ""): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "lab-rules-"));
  try {
    await writeFile(join(folder, "rules.yml"), rules);
    await writeFile(join(folder, "test.yml"), tests);
    const argv = ["test", "rules", join(folder, "test.yml")];
    const { exitCode, all } = await execa(program, argv, { all: true, reject: false });
    return exitCode === 0 ? "" : all;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { findTool } from "../../tools/find.ts";

/** The newest promtool that this machine has. */
export const promtool = (await findTool("promtool"))?.path;
if (!promtool) console.warn("skipped: promtool is missing; ./lab doctor says how to get it");

/** What promtool says of test files on a rule file; empty where all pass. */
export async function runPromtool(
  rules: string,
  tests: readonly string[],
  program = promtool ?? "",
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "lab-rules-"));
  try {
    await writeFile(join(folder, "rules.yml"), rules);
    const files = await Promise.all(
      tests.map(async (text, index) => {
        const file = join(folder, `test-${index}.yml`);
        await writeFile(file, text);
        return file;
      }),
    );
    if (files.length === 0) return "";
    const argv = ["test", "rules", ...files];
    const { exitCode, all } = await execa(program, argv, { all: true, reject: false });
    return exitCode === 0 ? "" : all;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

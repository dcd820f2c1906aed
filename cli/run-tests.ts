import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { z } from "zod";
import { ensureTools, type ToolName, toolNames } from "../tools/find.ts";
import { formatSeconds } from "./steps.ts";

export type Part = "static" | "unit" | "integration" | "rehearsal";

interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const root = new URL("..", import.meta.url).pathname;
const bin = (name: string) => join(root, "node_modules", ".bin", name);

/** Runs the parts one after the other, all of them even when one fails; gives the exit code. */
export async function runTests(only: Part | undefined): Promise<number> {
  const parts: readonly Part[] = only === undefined ? ["static", "unit", "integration", "rehearsal"] : [only];
  if (parts.some((part) => part !== "static")) await prepareTools();
  const counts: Count[] = [];
  for (const part of parts) {
    const startedAt = performance.now();
    counts.push(part === "static" ? await staticChecks() : await vitest(part));
    process.stdout.write(`\n${part}: ${formatSeconds((performance.now() - startedAt) / 1000)}\n`);
  }
  const total = sum(counts);
  process.stdout.write(`\n${closingLine(total)}\n`);
  return total.failed === 0 ? 0 : 1;
}

/** The line that CI reads. */
export function closingLine({ passed, failed, skipped }: Count): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

/** Tests skip what they have no tool for; here nothing may be skipped for that reason without a word. */
async function prepareTools(): Promise<void> {
  const names: readonly ToolName[] = toolNames;
  let last = "";
  await ensureTools(names, {
    onProgress: ({ tool, step }) => {
      const line = `${tool}: ${step}`;
      if (line !== last) process.stdout.write(`${line}\n`);
      last = line;
    },
  });
}

async function staticChecks(): Promise<Count> {
  const checks: readonly (readonly [string, readonly string[]])[] = [
    ["tsc", ["--noEmit"]],
    ["biome", ["ci", "."]],
    ["knip", []],
  ];
  const results = await Promise.all(
    checks.map(async ([name, args]) => {
      const { exitCode } = await execa(bin(name), [...args], {
        cwd: root,
        stdout: "inherit",
        stderr: "inherit",
        reject: false,
      });
      process.stdout.write(`${name}: ${exitCode === 0 ? "ok" : "FAILED"}\n`);
      return exitCode === 0;
    }),
  );
  const passed = results.filter(Boolean).length;
  return { passed, failed: results.length - passed, skipped: 0 };
}

const report = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  numTodoTests: z.number(),
  success: z.boolean(),
});

async function vitest(project: Exclude<Part, "static">): Promise<Count> {
  const folder = await mkdtemp(join(tmpdir(), "lab-test-"));
  const outputFile = join(folder, "report.json");
  try {
    const { exitCode } = await execa(
      bin("vitest"),
      [
        "run",
        "--project",
        project,
        "--reporter=default",
        "--reporter=json",
        `--outputFile.json=${outputFile}`,
      ],
      { cwd: root, stdin: "ignore", stdout: "inherit", stderr: "inherit", reject: false },
    );
    const counted = report.parse(JSON.parse(await readFile(outputFile, "utf8")));
    // A file that cannot be loaded, or an error outside of a test, fails the run without a failed test.
    const lost = exitCode !== 0 && counted.numFailedTests === 0 ? 1 : 0;
    return {
      passed: counted.numPassedTests,
      failed: counted.numFailedTests + lost,
      skipped: counted.numPendingTests + counted.numTodoTests,
    };
  } catch (error) {
    process.stdout.write(
      `${project}: the test runner gave no report: ${error instanceof Error ? error.message : error}\n`,
    );
    return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function sum(counts: readonly Count[]): Count {
  return counts.reduce(
    (total, count) => ({
      passed: total.passed + count.passed,
      failed: total.failed + count.failed,
      skipped: total.skipped + count.skipped,
    }),
    { passed: 0, failed: 0, skipped: 0 },
  );
}

import { findInstance } from "../../rehearsal/lab/instance.ts";
import { runbookLab } from "./lab.ts";
import { readRunbooks } from "./pages.ts";
import { failuresOf, summaryOf } from "./report.ts";
import { runBlocks } from "./run.ts";

/** Tries pages of runbooks on this checkout's lab: `node test/runbooks/try.ts [--show] [NAME...]`. */
const names = process.argv.slice(2).filter((argument) => argument !== "--show");
const instance = await findInstance();
if (!instance) throw new Error("this checkout has no lab: ./lab up");
const { blocks, problems } = await readRunbooks();
const chosen = (page: string) => names.length === 0 || names.some((name) => page.includes(`/${name}.md`));
const tried = blocks.filter(({ page }) => chosen(page));
const outcomes = await runBlocks(tried, await runbookLab(instance));
if (process.argv.includes("--show"))
  for (const { block, output } of outcomes)
    console.info(`--- ${block.page}:${block.line} ${block.section}\n${block.text}\n>>>\n${output}\n`);
const failures = [...problems.filter(chosen), ...failuresOf(outcomes)];
console.info([...failures, summaryOf(tried, outcomes)].join("\n"));
process.exitCode = failures.length === 0 ? 0 : 1;

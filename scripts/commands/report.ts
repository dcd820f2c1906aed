import type { Context } from "../context.ts";
import { exitCodes, kindOf, messageOf } from "../exit-codes.ts";
import { refreshMetrics } from "../metrics/metrics.ts";
import { type Kind, kinds } from "../report/model.ts";
import { makeReport, publishReport, type Rendered } from "../report/report.ts";
import type { Commands, CommonOptions } from "./command.ts";

interface ReportOptions extends CommonOptions {
  dryRun?: true;
}

export function addReport({ add, act, out }: Commands): void {
  add("report", "write and send a report: daily, weekly or monthly").addHelpText(
    "after",
    `
Examples:
  $ dbkeeper report daily              # as the timer does
  $ dbkeeper report weekly --dry-run   # shows it, writes and sends nothing
  $ dbkeeper report monthly --json     # the figures on one line
`,
  );
  for (const kind of Object.keys(kinds) as Kind[]) {
    add(`report ${kind}`, `the last ${kinds[kind] === 1 ? "day" : `${kinds[kind]} days`}`)
      .option("--dry-run", "show it, write and send nothing")
      .action(
        act(async (context, options: ReportOptions) => {
          const make = options.dryRun === true ? makeReport : published;
          const { report, markdown } = await make(context, kind);
          if (options.json === true) out.write(`${JSON.stringify(report)}\n`);
          else if (options.dryRun === true) out.write(markdown);
        }),
      );
  }
}

/** Without the lock of the cluster: a report must not wait for a dump. */
async function published(context: Context, kind: Kind): Promise<Rendered> {
  const startedAt = performance.now();
  let ended: "ok" | ReturnType<typeof kindOf> = "ok";
  try {
    return await publishReport(context, kind);
  } catch (error) {
    ended = kindOf(error);
    throw error;
  } finally {
    const durationSeconds = (performance.now() - startedAt) / 1000;
    const { code: exitCode } = exitCodes[ended];
    await refreshMetrics(context, { command: `report ${kind}`, exitCode, durationSeconds }).catch(
      (error: unknown) => {
        const text = `cannot write ${context.config.metricsFile}: ${messageOf(error)}`;
        context.report.event("error", "metrics-failed", text);
      },
    );
  }
}

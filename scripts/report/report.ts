import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../config.ts";
import type { Context } from "../context.ts";
import { Failure } from "../exit-codes.ts";
import { listDatabases } from "../postgres/databases.ts";
import { connect } from "../postgres/session.ts";
import { writeFileAtomic } from "../system/files.ts";
import { type Problem, tell } from "./channels.ts";
import { type History, readHistory } from "./history.ts";
import { renderHtml } from "./html.ts";
import { renderMarkdown } from "./markdown.ts";
import { type Kind, type Report, reportOf } from "./model.ts";
import { titleOf } from "./tables.ts";
import { readUnsent, sendAgain, writeUnsent } from "./unsent.ts";

/** A report in every form. */
export interface Rendered {
  report: Report;
  markdown: string;
  html: string;
}

/** Makes a report; changes and sends nothing. A server that does not answer is said in it. */
export async function makeReport(context: Context, kind: Kind): Promise<Rendered> {
  const { config, now } = context;
  const history = await readHistory(config);
  const report = reportOf({
    kind,
    cluster: config.cluster.name,
    now: now(),
    history,
    sizes: await currentSizes(config),
    maximumDumpAgeHours: config.health.maximumDumpAgeHours,
  });
  return { report, markdown: renderMarkdown(report), html: renderHtml(report, seriesOf(report, history)) };
}

/**
 * Makes a report, keeps it in the folder of reports and sends it by every channel of the configuration, after those
 * that a channel did not take before. A channel that fails does not keep the others from being tried; then it fails in
 * the end, and the next report of any kind brings along what is missing.
 */
export async function publishReport(context: Context, kind: Kind): Promise<Rendered> {
  const { config, report: events, now } = context;
  const rendered = await makeReport(context, kind);
  const { folder, base, paths } = await keep(config, rendered);
  events.event("info", "report-written", `wrote the ${kind} report to ${paths[0]}`, { kind, paths });
  // A second one of the same day takes the place of the first.
  const listed = await readUnsent(folder);
  const before = listed.filter((unsent) => unsent.base !== base);
  const problems: Problem[] = [];
  const unsent = await sendAgain(folder, before, now(), async (message, channels) => {
    const found = await tell(context, message, channels);
    problems.push(...found);
    return found;
  });
  if (config.report.send.includes(kind)) {
    const { markdown: text, html, report } = rendered;
    const subject = `${report.attention.length === 0 ? "" : "[attention] "}${titleOf(report)}`;
    const found = await tell(context, { subject, text, html, body: { text, report } });
    if (found.length > 0)
      unsent.push({ base, subject, since: report.to, channels: found.map(({ channel }) => channel) });
    problems.push(...found);
  }
  if (listed.length > 0 || unsent.length > 0) await writeUnsent(folder, unsent);
  if (problems.length > 0) {
    const texts = [...new Set(problems.map(({ text }) => text))].join("; ");
    throw new Failure("other", `${texts}; it is kept in ${paths[0]}, and the next report tries again`);
  }
  return rendered;
}

async function currentSizes(config: Config): Promise<{ name: string; bytes: number | null }[] | undefined> {
  try {
    const session = await connect(config.cluster, config.cluster.maintenanceDatabase, 30);
    try {
      return (await listDatabases(session)).map(({ name, bytes }) => ({ name, bytes }));
    } finally {
      await session.close();
    }
  } catch {
    return undefined;
  }
}

function seriesOf({ databases }: Report, { runs }: History) {
  return databases.map(({ name }) => ({
    database: name,
    points: runs.flatMap((run) => {
      const value = run.databases.find((entry) => entry.name === name)?.databaseBytes ?? null;
      return value === null ? [] : [{ seconds: Date.parse(run.startedAt) / 1000, value }];
    }),
  }));
}

async function keep(config: Config, { report, markdown, html }: Rendered) {
  const folder = config.report.directory ?? join(config.directory, "reports", config.cluster.name);
  await mkdir(folder, { recursive: true, mode: 0o750 });
  const base = `${report.kind}-${report.to.slice(0, 10)}`;
  const contents = { md: markdown, html, json: `${JSON.stringify(report, null, 1)}\n` };
  const path = (ending: string) => join(folder, `${base}.${ending}`);
  for (const [ending, content] of Object.entries(contents))
    await writeFileAtomic(path(ending), content, 0o640);
  return { folder, base, paths: Object.keys(contents).map(path) };
}

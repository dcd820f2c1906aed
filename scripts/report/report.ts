import { mkdir, mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Config } from "../config.ts";
import type { Context } from "../context.ts";
import { Failure, messageOf } from "../exit-codes.ts";
import { listDatabases } from "../postgres/databases.ts";
import { connect } from "../postgres/session.ts";
import { redact, runPipeline } from "../system/child.ts";
import { requirePrivateFile, writeFileAtomic } from "../system/files.ts";
import { type History, readHistory } from "./history.ts";
import { renderHtml } from "./html.ts";
import { renderMail } from "./mail.ts";
import { renderMarkdown } from "./markdown.ts";
import { type Kind, type Report, reportOf } from "./model.ts";
import { titleOf } from "./tables.ts";

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
 * Makes a report, keeps it in the folder of reports and sends it by every channel of the configuration. A channel that
 * fails does not keep the others from being tried; then it fails in the end.
 */
export async function publishReport(context: Context, kind: Kind): Promise<Rendered> {
  const { config, report: events } = context;
  const rendered = await makeReport(context, kind);
  const paths = await keep(config, rendered);
  events.event("info", "report-written", `wrote the ${kind} report to ${paths[0]}`, { kind, paths });
  if (!config.report.send.includes(kind)) return rendered;
  const channels = { mail: sendMail, webhook: postToWebhook };
  const problems: string[] = [];
  for (const [channel, send] of Object.entries(channels)) {
    try {
      if (await send(context, rendered))
        events.event("info", "report-sent", `sent the ${kind} report by ${channel}`, { kind, channel });
    } catch (error) {
      context.signal.throwIfAborted();
      const text = `cannot send the ${kind} report by ${channel}: ${redact(messageOf(error))}`;
      events.event("error", "report-not-sent", text, { kind, channel });
      problems.push(text);
    }
  }
  if (problems.length > 0) throw new Failure("other", `${problems.join("; ")}; it is kept in ${paths[0]}`);
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

async function keep(config: Config, { report, markdown, html }: Rendered): Promise<string[]> {
  const folder = config.report.directory ?? join(config.directory, "reports", config.cluster.name);
  await mkdir(folder, { recursive: true, mode: 0o750 });
  const base = join(folder, `${report.kind}-${report.to.slice(0, 10)}`);
  const contents = { md: markdown, html, json: `${JSON.stringify(report, null, 1)}\n` };
  for (const [extension, content] of Object.entries(contents))
    await writeFileAtomic(`${base}.${extension}`, content, 0o640);
  return Object.keys(contents).map((extension) => `${base}.${extension}`);
}

/** Whether there is such a channel, which then has taken the report. */
async function sendMail(
  { config, signal, now }: Context,
  { report, markdown, html }: Rendered,
): Promise<boolean> {
  const { email } = config.report;
  if (email === undefined) return false;
  const subject = `${report.attention.length === 0 ? "" : "[attention] "}${titleOf(report)}`;
  const message = renderMail({ ...email, subject, date: now(), text: markdown, html });
  const folder = await mkdtemp(join(tmpdir(), "dbkeeper-mail-"));
  try {
    await writeFile(join(folder, "message"), message, { mode: 0o600 });
    const input = await open(join(folder, "message"));
    try {
      const env = { PATH: process.env.PATH ?? "/usr/sbin:/usr/bin:/sbin:/bin" };
      await runPipeline([{ file: email.program, args: ["-t", "-i"], env }], { inputFd: input.fd, signal });
    } finally {
      await input.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return true;
}

/** See {@link sendMail}. */
async function postToWebhook({ config, signal }: Context, { report, markdown }: Rendered): Promise<boolean> {
  const { webhook } = config.report;
  if (webhook === undefined) return false;
  await requirePrivateFile(webhook.urlFile, "report.webhook.urlFile");
  const url = (await readFile(webhook.urlFile, "utf8")).trim();
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ text: markdown, report }),
    redirect: "error",
    signal: AbortSignal.any([signal, AbortSignal.timeout(webhook.timeoutSeconds * 1000)]),
  }).catch((error: unknown) => {
    // Its message may hold the address, which is secret.
    const cause =
      error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : "it cannot be reached";
    throw new Error(`the address in ${webhook.urlFile}: ${cause.replaceAll(url, "***")}`);
  });
  if (!answer.ok) throw new Error(`the address in ${webhook.urlFile} answered ${answer.status}`);
  return true;
}

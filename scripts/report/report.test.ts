import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Config, configSchema, type DbkeeperConfig } from "../config.ts";
import { writeManifest } from "../runs/manifest.ts";
import { runsFolder } from "../runs/runs.ts";
import { entryFor, manifestFor, validationFor } from "../testing/manifests.ts";
import { messageOfFailure } from "./failed.ts";
import { historyFile, readHistory, recordHistory } from "./history.ts";
import { makeReport, publishReport } from "./report.ts";
import { verdictOf } from "./tables.ts";

const now = new Date("2026-06-08T08:00:00.000Z");
const odd = "<b>x</b>|`\"'&\n";
let folder: string;
let server: Server;
let posted: string[];
let events: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "report-"));
  await mkdir(join(folder, "backup"));
  [posted, events] = [[], []];
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on("end", () => {
      posted.push(body);
      response.writeHead(request.url === "/down" ? 500 : 200).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

function contextFor(channels: DbkeeperConfig["channels"] = {}) {
  const config = configSchema.parse({
    cluster: { name: "pg01", socketDirectory: folder, role: "backup" },
    directory: join(folder, "backup"),
    channels,
  });
  const event = (_level: string, name: string, text: string) => events.push(`${name}: ${text}`);
  return { config, report: { event }, signal: new AbortController().signal, now: () => now };
}

/** A proven run of a database of this size, on the day of June. */
async function runOn({ directory }: Config, day: number, databaseBytes: number): Promise<void> {
  const date = `2026-06-0${day}`;
  const run = join(runsFolder(directory, "pg01"), `${date.replaceAll("-", "")}T020000Z`);
  await mkdir(run, { recursive: true });
  const manifest = manifestFor({
    databases: [{ ...entryFor(odd), databaseBytes }],
    startedAt: `${date}T02:00:00.000Z`,
    finishedAt: `${date}T02:10:00.000Z`,
    validation: validationFor("restore", "passed", [odd]),
  });
  await writeManifest(run, manifest);
}

test("runs are remembered after they were pruned, and what they became since", async () => {
  const context = contextFor();
  await runOn(context.config, 1, 1000);
  const ended = { command: "run", startedAt: "2026-06-01T02:00:00.000Z", exitCode: 0 };
  await recordHistory(context, ended);
  await recordHistory(context, ended);
  await rm(runsFolder(context.config.directory, "pg01"), { recursive: true });
  const { runs, commands } = await readHistory(context.config);
  expect(runs).toMatchObject([
    { run: "20260601T020000Z", proven: true, databases: [{ databaseBytes: 1000 }] },
  ]);
  expect(commands).toHaveLength(2);
  const lines = (await readFile(historyFile(context.config), "utf8")).trim().split("\n");
  expect(lines).toHaveLength(3);
});

test("a line that a crash cut off costs itself only", async () => {
  const context = contextFor();
  const ended = { command: "run", startedAt: "2026-06-01T02:00:00.000Z", exitCode: 0 };
  await recordHistory(context, ended);
  const text = await readFile(historyFile(context.config), "utf8");
  await writeFile(historyFile(context.config), text + text.slice(0, 20));
  await recordHistory(context, { ...ended, exitCode: 6 });
  expect((await readHistory(context.config)).commands.map(({ exitCode }) => exitCode)).toEqual([0, 6]);
});

test("a report counts its period, compares it with the one before and sees growth", async () => {
  const context = contextFor();
  for (const day of [1, 5, 6, 7, 8]) await runOn(context.config, day, 1_000_000 * day);
  const { report } = await makeReport(context, "daily");
  expect(report.period).toMatchObject({
    runs: 1,
    complete: 1,
    proven: 1,
    offsite: 0,
    meanDurationSeconds: 600,
  });
  expect(report.before.runs).toBe(1);
  expect(report.sevenDays.map(({ runs }) => runs)).toEqual([0, 0, 0, 1, 1, 1, 1]);
  const growth = report.databases[0]?.growth;
  expect(growth?.perDay).toBeCloseTo(1_000_000);
  expect(growth?.expected[0]?.value).toBeCloseTo(38_250_000, -3);
  expect(report.attention).toEqual([
    "The server did not say how large its databases are now: dbkeeper health tells more.",
  ]);
});

test("the first line says whether all is well, and what is not says what to do", async () => {
  const context = contextFor();
  const first = async () => (await makeReport(context, "weekly")).markdown.split("\n")[2];
  expect(await first()).toBe("**2 things need attention.**");
  await runOn(context.config, 5, 1000);
  const startedAt = "2026-06-08T02:00:00.000Z";
  const at = { ...context, now: () => new Date("2026-06-08T02:20:00.000Z") };
  for (const exitCode of [0, 8, 0]) await recordHistory(at, { command: "run", startedAt, exitCode });
  const { report, html } = await makeReport(context, "weekly");
  expect(report.attention).toEqual([
    expect.stringMatching(/^The newest proven dump is older than 26 h: .* \(3\.2 d\)\. dbkeeper run takes/s),
    expect.stringMatching(
      /^dbkeeper run failed 1 of 3 times, last at 2026-06-08 02:20 UTC with code 8 \(some data/,
    ),
    expect.stringMatching(/^The server did not say/),
  ]);
  expect(html).toContain('<p class="verdict bad">3 things need attention.</p>');
  expect(verdictOf({ ...report, attention: [] })).toBe("All is well: the dump was proven by restoring.");
});

test("an odd name cannot break out of HTML or Markdown", async () => {
  const context = contextFor();
  await runOn(context.config, 7, 1000);
  await runOn(context.config, 8, 2000);
  const { html, markdown } = await makeReport(context, "weekly");
  expect(html).not.toContain("<b>");
  expect(html).toContain("&lt;b&gt;x&lt;/b&gt;|`&quot;&#39;&amp;\u240a");
  expect(html).not.toMatch(/<script|https?:(?!\/\/www\.w3\.org\/2000\/svg)|\bon\w+=/);
  const row = markdown.split("\n").find((line) => line.includes("\u240a"));
  expect(row?.replaceAll(/\\./g, "").split("|")).toHaveLength(9);
  for (const tag of ["table", "svg", "ul", "body", "html"])
    expect(html.split(`<${tag}`).length, tag).toBe(html.split(`</${tag}>`).length);
});

test("a report is kept in three forms and sent by mail and webhook", async () => {
  const { port } = server.address() as AddressInfo;
  const urlFile = join(folder, "url");
  await writeFile(urlFile, `http://127.0.0.1:${port}/hook\n`, { mode: 0o600 });
  const program = join(folder, "sendmail");
  await writeFile(program, `#!/bin/sh\necho "$@" > ${folder}/args; cat > ${folder}/mail\n`);
  await chmod(program, 0o755);
  const email = { to: ["dba@radioastronomy.io"], from: "alerts@radioastronomy.io", program };
  const context = contextFor({ emails: [email], webhooks: [{ urlFile }] });
  const { report } = await publishReport(context, "monthly");
  expect(await readdir(join(folder, "backup", "reports", "pg01"))).toEqual([
    "monthly-2026-06-08.html",
    "monthly-2026-06-08.json",
    "monthly-2026-06-08.md",
  ]);
  expect(JSON.parse(posted[0] ?? "")).toEqual({ text: expect.stringContaining("# Monthly"), report });
  expect(await readFile(join(folder, "args"), "utf8")).toBe("-t -i\n");
  const mail = await readFile(join(folder, "mail"), "utf8");
  expect(mail).toMatch(
    /^From: alerts@radioastronomy.io\r\nTo: dba@radioastronomy.io\r\nSubject: \[attention\] Monthly report of pg01, 2026-06-08\r\n/,
  );
  const parts = mail
    .split("base64\r\n\r\n")
    .slice(1)
    .map((part) => Buffer.from(part.split("--")[0] ?? "", "base64").toString());
  expect(parts).toEqual([expect.stringContaining("# Monthly"), expect.stringContaining("</html>")]);
});

test("a channel that fails is said without its address, and gets what it lacks with the next report", async () => {
  const { port } = server.address() as AddressInfo;
  const urlFile = join(folder, "url");
  await writeFile(urlFile, `http://127.0.0.1:${port}/down`, { mode: 0o600 });
  const program = join(folder, "sendmail");
  await writeFile(program, `#!/bin/sh\ncat >> ${folder}/mails\n`, { mode: 0o755 });
  const email = { to: ["dba@radioastronomy.io"], from: "alerts@radioastronomy.io" };
  const emails = [
    { ...email, program: "/bin/false" },
    { ...email, to: ["management@radioastronomy.io"], program },
  ];
  const failure = publishReport(contextFor({ emails, webhooks: [{ urlFile }] }), "daily");
  await expect(failure).rejects.toThrow(
    /by mail: to dba@radioastronomy.io: false ended with code 1; .* by webhook: .* answered 500; it is kept in/,
  );
  expect(posted).toHaveLength(1);
  expect(events.join("\n")).not.toContain(`${port}`);
  await writeFile(urlFile, `http://127.0.0.1:${port}/up`);
  const mended = contextFor({ emails: emails.map((one) => ({ ...one, program })), webhooks: [{ urlFile }] });
  await publishReport(mended, "weekly");
  await publishReport(mended, "monthly");
  const subjects = (await readFile(join(folder, "mails"), "utf8")).match(/^(To|Subject): .*$/gm)?.join("\n");
  expect(subjects?.replaceAll(/ of pg01, 2026-06-08\r?|@radioastronomy.io\r?/g, "").split("\n")).toEqual([
    ...["To: management", "Subject: [attention] Daily report"],
    ...["To: dba", "Subject: [attention] Daily report"],
    ...[
      "To: dba",
      "Subject: [attention] Weekly report",
      "To: management",
      "Subject: [attention] Weekly report",
    ],
    ...[
      "To: dba",
      "Subject: [attention] Monthly report",
      "To: management",
      "Subject: [attention] Monthly report",
    ],
  ]);
  expect(posted.slice(1).map((body) => /# (\w+)/.exec(body)?.[1])).toEqual(["Daily", "Weekly", "Monthly"]);
});

test("a failed unit is told in the words of its exit code and the form of Alertmanager", async () => {
  const unit = { unit: "dbkeeper.service", result: "exit-code", status: "6" };
  const { text, body } = messageOfFailure(contextFor(), unit, "proj-pg01");
  expect(text).toContain(
    "dbkeeper.service failed on proj-pg01 (cluster pg01): exit code 6: a dump did not prove",
  );
  const labels = { alertname: "DbkeeperUnitFailed", instance: "proj-pg01", severity: "critical" };
  expect(body).toMatchObject({ version: "4", status: "firing", alerts: [{ status: "firing", labels }] });
  const killed = messageOfFailure(contextFor(), { ...unit, result: "oom-kill", status: "9" }, "proj-pg01");
  expect(killed.text).toContain(": oom-kill.");
});

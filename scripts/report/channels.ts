import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Config } from "../config.ts";
import type { Context } from "../context.ts";
import { messageOf } from "../exit-codes.ts";
import { redact, runPipeline } from "../system/child.ts";
import { requirePrivateFile } from "../system/files.ts";
import { renderMail } from "./mail.ts";

/** What people are told, in the form of each channel. */
export interface Message {
  /** Also what the events call it. */
  subject: string;
  text: string;
  html: string;
  /** What a webhook gets. */
  body: object;
}

/**
 * Tells people by every channel of the configuration; a channel that fails does not keep the others from being tried.
 * Resolves to what failed.
 */
export async function tell(context: Context, message: Message): Promise<string[]> {
  const { email, webhooks } = context.config.channels;
  const channels = [
    ...(email === undefined ? [] : [{ name: "mail", send: () => sendMail(context, email, message) }]),
    ...webhooks.map((webhook) => ({ name: "webhook", send: () => post(context, webhook, message.body) })),
  ];
  const problems: string[] = [];
  for (const { name: channel, send } of channels) {
    try {
      await send();
      context.report.event("info", "message-sent", `sent by ${channel}: ${message.subject}`, { channel });
    } catch (error) {
      context.signal.throwIfAborted();
      const text = `cannot send by ${channel}: ${redact(messageOf(error))}`;
      context.report.event("error", "message-not-sent", text, { channel });
      problems.push(text);
    }
  }
  return problems;
}

type Channels = Config["channels"];

async function sendMail(
  { signal, now }: Context,
  email: NonNullable<Channels["email"]>,
  message: Message,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "dbkeeper-mail-"));
  try {
    const path = join(folder, "message");
    await writeFile(path, renderMail({ ...email, ...message, date: now() }), { mode: 0o600 });
    const input = await open(path);
    try {
      const env = { PATH: process.env.PATH ?? "/usr/sbin:/usr/bin:/sbin:/bin" };
      await runPipeline([{ file: email.program, args: ["-t", "-i"], env }], { inputFd: input.fd, signal });
    } finally {
      await input.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function post(
  { signal }: Context,
  { urlFile, timeoutSeconds }: Channels["webhooks"][number],
  body: object,
): Promise<void> {
  await requirePrivateFile(urlFile, "channels.webhooks.urlFile");
  const url = (await readFile(urlFile, "utf8")).trim();
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    redirect: "error",
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutSeconds * 1000)]),
  }).catch((error: unknown) => {
    // The outer message may hold the address, which is secret.
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : "it cannot be reached";
    throw new Error(`the address in ${urlFile}: ${messageOf(cause).replaceAll(url, "***")}`);
  });
  if (!answer.ok) throw new Error(`the address in ${urlFile} answered ${answer.status}`);
}

import { readFile } from "node:fs/promises";
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

/** A channel did not take a message. */
export interface Problem {
  /** Of the channel, see {@link tell}. */
  channel: string;
  /** For people. */
  text: string;
}

/**
 * Tells people by every channel of the configuration, or by those of these names; a channel that fails does not keep
 * the others from being tried. A name says who is told, and stays the same as long as that does. Resolves to what
 * failed.
 */
export async function tell(context: Context, message: Message, only?: readonly string[]): Promise<Problem[]> {
  const problems: Problem[] = [];
  for (const { kind, name, send } of channelsOf(context)) {
    if (only?.includes(name) === false) continue;
    const facts = { channel: name };
    try {
      await send(message);
      context.report.event("info", "message-sent", `sent by ${kind}: ${message.subject}`, facts);
    } catch (error) {
      context.signal.throwIfAborted();
      const text = `cannot send by ${kind}: ${redact(messageOf(error))}`;
      context.report.event("error", "message-not-sent", text, facts);
      problems.push({ channel: name, text });
    }
  }
  return problems;
}

type Channels = Config["channels"];

function channelsOf(context: Context) {
  const { emails, webhooks } = context.config.channels;
  return [
    ...emails.map((email) => ({
      kind: "mail",
      name: `mail to ${email.to.join(", ")}`,
      send: (message: Message) => sendMail(context, email, message),
    })),
    ...webhooks.map((webhook) => ({
      kind: "webhook",
      name: `webhook of ${webhook.urlFile}`,
      send: ({ body }: Message) => post(context, webhook, body),
    })),
  ];
}

async function sendMail(
  { signal, now }: Context,
  { program, configFile, timeoutSeconds, ...email }: Channels["emails"][number],
  message: Message,
): Promise<void> {
  const deadline = AbortSignal.timeout(timeoutSeconds * 1000);
  const stage = {
    file: program,
    args: ["-t", "-i", ...(configFile === undefined ? [] : ["-C", configFile])],
    env: { PATH: process.env.PATH ?? "/usr/sbin:/usr/bin:/sbin:/bin" },
  };
  const input = renderMail({ ...email, ...message, date: now() });
  try {
    await runPipeline([stage], { input, signal: AbortSignal.any([signal, deadline]) });
  } catch (error) {
    const to = `to ${email.to.join(", ")}`;
    if (deadline.aborted && !signal.aborted)
      throw new Error(
        `${to}: ${program} has not ended after ${timeoutSeconds} s; is the mail server reachable?`,
      );
    throw new Error(`${to}: ${messageOf(error)}`, { cause: error });
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

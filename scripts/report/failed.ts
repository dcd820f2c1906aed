import { hostname } from "node:os";
import type { Context } from "../context.ts";
import { exitCodes, Failure } from "../exit-codes.ts";
import { type Message, tell } from "./channels.ts";
import { escapeHtml } from "./text.ts";

/** What systemd tells a unit that another one's failure started (`MONITOR_…`). */
export interface FailedUnit {
  unit: string;
  /** For example `exit-code`, `timeout`, `oom-kill`; `undefined` where systemd does not say. */
  result: string | undefined;
  /** Exit code or signal. */
  status: string | undefined;
}

/** Tells people at once that a unit failed; Prometheus finds it too, but only when it looks. */
export async function tellOfFailure(context: Context, failed: FailedUnit): Promise<void> {
  const problems = await tell(context, messageOfFailure(context, failed, hostname()));
  if (problems.length > 0) throw new Failure("other", problems.map(({ text }) => text).join("; "));
}

/** The message, for a webhook in the form of Alertmanager's own (version 4), which receivers know already. */
export function messageOfFailure(
  { config: { cluster }, now }: Pick<Context, "config" | "now">,
  { unit, result, status }: FailedUnit,
  host: string,
): Message {
  const { meaning } = Object.values(exitCodes).find(({ code }) => String(code) === status) ?? {};
  const why =
    result === "exit-code" && meaning !== undefined
      ? `exit code ${status}: ${meaning}`
      : (result ?? "see its journal");
  const subject = `${unit} failed on ${host}`;
  const text = `${subject} (cluster ${cluster.name}): ${why}. Next: journalctl --unit ${unit} on ${host}.`;
  const labels = {
    alertname: "DbkeeperUnitFailed",
    cluster: cluster.name,
    instance: host,
    severity: "critical",
    unit,
  };
  const annotations = { summary: subject, description: text };
  return {
    subject,
    text: `${text}\n`,
    html: `<!doctype html>\n<p>${escapeHtml(text)}</p>\n`,
    body: {
      version: "4",
      status: "firing",
      receiver: "dbkeeper",
      groupKey: `dbkeeper/${cluster.name}/${unit}`,
      groupLabels: { alertname: labels.alertname },
      commonLabels: labels,
      commonAnnotations: annotations,
      alerts: [{ status: "firing", labels, annotations, startsAt: now().toISOString() }],
      text,
    },
  };
}

import { z } from "zod";
import type { Instance } from "../lab/instance.ts";
import { askPrometheus, type PrometheusAccess } from "../lab/prometheus.ts";
import { ports } from "../lab/services.ts";
import { type Message, messageSchema } from "../sinks/store.ts";
import type { ExpectedReceiver } from "./channels.ts";
import type { Drill } from "./drill.ts";

const alertsSchema = z.object({
  data: z.object({
    alerts: z.array(
      z.object({
        state: z.enum(["pending", "firing"]),
        labels: z.record(z.string(), z.string()),
        annotations: z.record(z.string(), z.string()),
      }),
    ),
  }),
});

export type PrometheusAlert = z.output<typeof alertsSchema>["data"]["alerts"][number];

/** What Prometheus says that fires. */
export async function firingAlerts(access: PrometheusAccess): Promise<PrometheusAlert[]> {
  const { data } = alertsSchema.parse(await askPrometheus(access, "alerts"));
  return data.alerts.filter(({ state }) => state === "firing");
}

/** The alert that a drill is about, if it fires. */
export function alertOfDrill(
  alerts: readonly PrometheusAlert[],
  { alert, severity, labels }: Pick<Drill, "alert" | "severity" | "labels">,
): PrometheusAlert | undefined {
  const wanted = Object.entries({ alertname: alert, severity, ...labels });
  return alerts.find(({ labels: own }) => wanted.every(([name, value]) => own[name] === value));
}

/** What reached the sinks after a moment. */
export async function messagesSince(instance: Instance, since: Date): Promise<Message[]> {
  const url = `http://${instance.hostAddress}:${ports.webhook}/messages?since=${encodeURIComponent(since.toISOString())}`;
  const answer = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  if (!answer.ok) throw new Error(`the sinks answered ${answer.status} to ${url}`);
  return z.object({ messages: z.array(messageSchema) }).parse(await answer.json()).messages;
}

/** Whether a message tells of this alert on this machine. */
export function isAbout(
  { text, headers }: Message,
  { alert, labels }: Pick<Drill, "alert" | "labels">,
): boolean {
  const whole = `${headers.subject ?? ""}\n${text}`;
  return [alert, ...Object.values(labels)].every((word) => whole.includes(word));
}

/** Whether it tells of the end. */
export function isEnd({ text, headers, kind }: Message): boolean {
  if (kind === "mail") return /resolved/i.test(headers.subject ?? "");
  return /"event_action":\s*"resolve"|"status":\s*"resolved"|RESOLVED/.test(text);
}

/** Channels that have a message of the kind that is looked for, and those that have none yet. */
export function heard(
  receivers: readonly ExpectedReceiver[],
  messages: readonly Message[],
): { readonly by: readonly string[]; readonly missing: readonly string[] } {
  const [by, missing] = [true, false].map((isHeard) =>
    receivers.filter(({ isFor }) => messages.some(isFor) === isHeard).map(({ name }) => name),
  );
  return { by: by ?? [], missing: missing ?? [] };
}

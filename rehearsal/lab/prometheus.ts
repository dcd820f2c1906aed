import { z } from "zod";
import { HttpsCaller, textOf } from "../lib/https.ts";

/** What the stack says of Prometheus: where it is, who vouches for it, and how to log in. */
export const prometheusSchema = z.looseObject({
  services: z.looseObject({ prometheus: z.string() }),
  certificateAuthorities: z.string(),
  monitoringLogin: z.object({ user: z.string(), password: z.string() }),
});

export type PrometheusAccess = z.output<typeof prometheusSchema>;

const timeoutMs = 5000;

/**
 * Asks Prometheus's API, for example `query?query=up`, and gives the answer's body.
 * @throws Error where Prometheus cannot be reached, does not prove who it is or refuses
 */
export async function askPrometheus(
  { services, certificateAuthorities, monitoringLogin }: PrometheusAccess,
  path: string,
): Promise<unknown> {
  const { hostname, port } = new URL(services.prometheus);
  const caller = new HttpsCaller(
    { host: hostname, port: Number(port) },
    { caCertificate: certificateAuthorities },
  );
  const login = Buffer.from(`${monitoringLogin.user}:${monitoringLogin.password}`).toString("base64");
  const timer = setTimeout(() => caller.close(), timeoutMs);
  try {
    const answer = await caller.call("GET", `/api/v1/${path}`, { authorization: `Basic ${login}` });
    const text = await textOf(answer);
    if (answer.status !== 200)
      throw new Error(`Prometheus answered ${answer.status} to ${path}: ${text.trim()}`);
    return JSON.parse(text);
  } finally {
    clearTimeout(timer);
    caller.close();
  }
}

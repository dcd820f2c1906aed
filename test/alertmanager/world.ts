import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hash } from "bcryptjs";
import { execa } from "execa";
import { stringify } from "yaml";
import { z } from "zod";
import { AlertmanagerApi } from "../../cli/alerts/api.ts";
import { configuration } from "../../infra/monitoring/alertmanager/configuration.ts";
import { templates } from "../../infra/monitoring/alertmanager.ts";
import { parseSite, type SiteInput } from "../../infra/site.ts";
import { HttpsCaller, textOf } from "../../rehearsal/lib/https.ts";
import { openCertificateAuthority, serverCertificate } from "../../rehearsal/lib/tls.ts";
import { waitFor } from "../../rehearsal/lib/wait.ts";
import { startSinks } from "../../rehearsal/sinks/server.ts";
import { type Message, messageSchema } from "../../rehearsal/sinks/store.ts";
import rehearsal from "../../stacks/rehearsal.ts";
import { machineExample } from "../machine.ts";

const login = { user: "lab", password: "of-the-test" };

/** An alert as Prometheus sends it, as far as tests say something of it. */
export interface TestAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Whether it is over. */
  readonly resolved?: boolean;
}

/** What reached a channel, with the names and states of alerts where the message says them. */
export interface World {
  readonly api: AlertmanagerApi;
  /** What `lab` would be told of it. */
  readonly access: ConstructorParameters<typeof AlertmanagerApi>[0];
  send(...alerts: readonly TestAlert[]): Promise<void>;
  messages(): Promise<Message[]>;
  /** Waits for a message of the kind that the condition describes. */
  message(what: string, condition: (message: Message) => boolean): Promise<Message>;
  close(): Promise<void>;
}

/** A real Alertmanager with the rehearsal's configuration, over TLS and with a login, beside sinks for what it sends. */
export async function openWorld(
  alertmanager: string,
  change: (monitoring: SiteInput["monitoring"]) => SiteInput["monitoring"],
): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), "alertmanager-"));
  const sinks = await startSinks({
    address: "127.0.0.1",
    smtpPort: 0,
    httpPort: 0,
    folder: join(folder, "messages"),
  });
  const input = rehearsal({
    ...machineExample,
    smarthost: `127.0.0.1:${sinks.smtp.port}`,
    webhookUrl: `${sinks.http.url}/alerts`,
  });
  const site = parseSite({ ...input, monitoring: change(input.monitoring) });
  const { web, authority } = await webConfiguration(folder);
  await writeConfiguration(folder, stringify(configuration(site)));

  const running = execa(
    alertmanager,
    [
      `--config.file=${join(folder, "alertmanager.yml")}`,
      `--storage.path=${join(folder, "data")}`,
      `--web.config.file=${web}`,
      "--web.listen-address=127.0.0.1:0",
      "--web.external-url=https://10.213.7.60:9093/",
      "--cluster.listen-address=",
    ],
    { reject: false, all: true, buffer: false, cwd: folder },
  );
  let log = "";
  running.all.on("data", (chunk: Buffer) => {
    log += chunk.toString();
  });
  const port = await waitFor(() => /Listening on.*address=127\.0\.0\.1:(\d+)/.exec(log)?.[1], {
    what: "Alertmanager to listen",
    timeoutSeconds: 20,
  }).catch((error: Error) => {
    throw new Error(`${error.message}\n${log}`);
  });
  const access = {
    services: { alertmanager: `https://127.0.0.1:${port}` },
    certificateAuthorities: authority,
    monitoringLogin: login,
  };
  const api = new AlertmanagerApi(access);
  const messages = async () => {
    const response = await fetch(`${sinks.http.url}/messages?since=0`);
    return z.object({ messages: z.array(messageSchema) }).parse(await response.json()).messages;
  };
  return {
    api,
    access,
    messages,
    send: (...alerts) => post(access, alerts.map(asPosted)),
    message: (what, condition) =>
      waitFor(async () => (await messages()).find(condition), { what, timeoutSeconds: 30 }).catch(
        (error: Error) => {
          throw new Error(`${error.message}\n${log.split("\n").slice(-12).join("\n")}`);
        },
      ),
    close: async () => {
      running.kill("SIGTERM");
      await running;
      await sinks.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** As Prometheus does. */
async function post(access: World["access"], alerts: readonly object[]): Promise<void> {
  const { hostname, port } = new URL(access.services.alertmanager);
  const caller = new HttpsCaller(
    { host: hostname, port: Number(port) },
    { caCertificate: access.certificateAuthorities },
  );
  const headers = {
    authorization: `Basic ${Buffer.from(`${login.user}:${login.password}`).toString("base64")}`,
    "content-type": "application/json",
  };
  try {
    const answer = await caller.call("POST", "/api/v2/alerts", headers, JSON.stringify(alerts));
    const text = await textOf(answer);
    if (answer.status !== 200) throw new Error(`Alertmanager answered ${answer.status}: ${text}`);
  } finally {
    caller.close();
  }
}

function asPosted({ labels, annotations = {}, resolved = false }: TestAlert): object {
  const now = Date.now();
  return {
    labels: { site: "rehearsal", ...labels },
    annotations,
    startsAt: new Date(resolved ? now - 60_000 : now).toISOString(),
    // Prometheus renews what fires long before it would end by itself.
    endsAt: new Date(resolved ? now : now + 600_000).toISOString(),
    generatorURL: "https://10.213.7.60:9090/graph?g0.expr=up",
  };
}

/** The site's own configuration with its files where this Alertmanager may write and read. */
async function writeConfiguration(folder: string, text: string): Promise<void> {
  await mkdir(join(folder, "templates"));
  await writeFile(join(folder, "templates", "lab.tmpl"), templates());
  for (const name of ["slack-token", "pagerduty-key-on-call", "pagerduty-key-second-on-call"])
    await writeFile(join(folder, name), `planted-${name}\n`, { mode: 0o600 });
  await writeFile(join(folder, "alertmanager.yml"), text.replaceAll("/etc/alertmanager/", `${folder}/`));
}

async function webConfiguration(folder: string): Promise<{ web: string; authority: string }> {
  const authority = await openCertificateAuthority(join(folder, "tls"));
  const { certPath, keyPath } = await serverCertificate(authority, join(folder, "tls"), {
    name: "alertmanager",
    ipAddresses: ["127.0.0.1"],
    dnsNames: ["localhost"],
  });
  const web = join(folder, "web.yml");
  const content = {
    tls_server_config: { cert_file: certPath, key_file: keyPath },
    basic_auth_users: { [login.user]: await hash(login.password, 4) },
  };
  await writeFile(web, stringify(content));
  return { web, authority: await readFile(authority.certPath, "utf8") };
}

import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exchangeProblems } from "../../rehearsal/lib/api-check.ts";
import { readApiDescription } from "../../rehearsal/lib/api-description.ts";
import type { RunningServer } from "../../rehearsal/lib/server.ts";
import { openCertificateAuthority, serverCertificate } from "../../rehearsal/lib/tls.ts";
import { type Login, openTestServer, type TestServer } from "../../rehearsal/pbs/testing.ts";
import { startServer } from "../../rehearsal/pve/server.ts";
import { startTestCluster, type TestCluster } from "../../rehearsal/pve/testing.ts";
import { type Family, parseFamilies } from "../../scripts/metrics/family.ts";
import { runProxwatch } from "../../scripts/proxmox/cli.ts";
import type { ProxwatchConfig } from "../../scripts/proxmox/config.ts";

/** Both servers over HTTPS, and a configuration to watch them with tokens that may only look. */
export interface World {
  readonly pve: TestCluster;
  readonly pbs: TestServer;
  readonly config: ProxwatchConfig & {
    readonly [server in "pve" | "pbs"]: NonNullable<ProxwatchConfig[server]>;
  };
  /** Runs proxwatch with changes of the configuration; `at` milliseconds since 1970. */
  run(changes?: Partial<ProxwatchConfig>, at?: number, ...argv: string[]): Promise<RunResult>;
  readonly secrets: readonly string[];
  /** Whatever a call was that the products do not have, or their answers are not. */
  problems(): readonly string[];
  stopPve(): Promise<void>;
  close(): Promise<void>;
}

export interface RunResult {
  readonly code: number;
  /** The log, one JSON object a line. */
  readonly log: string;
  /** The file for node_exporter. */
  readonly text: string;
  readonly families: readonly Family[];
  /** The value of a metric's sample that has these labels, among others; undefined where there is none. */
  value(name: string, labels?: Readonly<Record<string, string>>): number | undefined;
}

export async function openWorld(): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), "proxwatch-"));
  const pbs = await openTestServer();
  const pve = await startTestCluster();
  const api = readApiDescription("pve");
  const problems = new Set<string>();
  const authority = await openCertificateAuthority(join(folder, "tls"));
  const tls = await serverCertificate(authority, join(folder, "tls"), {
    name: "pve",
    ipAddresses: ["127.0.0.1"],
    dnsNames: [],
  });
  const overTls: RunningServer = await startServer(pve.sim, {
    address: "127.0.0.1",
    port: 0,
    tls,
    onExchange: (exchange) => {
      if (api !== undefined) for (const each of exchangeProblems("pve", api, exchange)) problems.add(each);
    },
  });
  const watcher = await pveToken(pve);
  await pbs.datastore("main");
  const auditor = await pbs.token("watch@pbs", "Audit", "/");
  const tokenFile = async (name: string, { secret }: Login) => {
    await writeFile(join(folder, name), `${secret}\n`);
    await chmod(join(folder, name), 0o600);
    return join(folder, name);
  };
  const config = {
    pve: {
      endpoints: [overTls.url],
      tokenId: watcher.token,
      tokenFile: await tokenFile("pve-token", watcher),
      caFile: authority.certPath,
    },
    pbs: {
      endpoints: [`https://127.0.0.1:${pbs.port}`],
      tokenId: auditor.token,
      tokenFile: await tokenFile("pbs-token", auditor),
      fingerprint: pbs.fingerprint,
    },
    guests: {},
    metricsFile: join(folder, "textfile", "proxwatch.prom"),
    stateFile: join(folder, "state.json"),
    timeoutSeconds: 10,
    slowIntervalSeconds: 0,
  } satisfies World["config"];
  await mkdir(join(folder, "textfile"));
  let isStopped = false;
  const stopPve = async () => {
    if (!isStopped) await overTls.close();
    isStopped = true;
  };
  return {
    pve,
    pbs,
    config,
    secrets: [watcher.secret, auditor.secret],
    run: (changes = {}, at, ...argv) => run(folder, { ...config, ...changes }, at, argv),
    problems: () => [...problems],
    stopPve,
    async close() {
      await stopPve();
      await pve.close();
      await pbs.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A user and its own token, both of which may look and nothing else. */
async function pveToken({ client }: TestCluster): Promise<Login> {
  const user = "watch@pve";
  await client.ok("POST", "/access/users", { userid: user });
  const made = await client.ok<{ value: string }>("POST", `/access/users/${user}/token/proxwatch`, {
    privsep: 1,
  });
  const token = `${user}!proxwatch`;
  await client.ok("PUT", "/access/acl", { path: "/", roles: "PVEAuditor", users: user, tokens: token });
  return { token, secret: made.value };
}

async function run(
  folder: string,
  config: ProxwatchConfig,
  at: number | undefined,
  argv: readonly string[],
): Promise<RunResult> {
  const path = join(folder, "config.json");
  await writeFile(path, JSON.stringify(config));
  let log = "";
  const sink = {
    write: (text: string) => {
      log += text;
    },
  };
  const code = await runProxwatch(["--config", path, ...argv], {
    out: sink,
    err: sink,
    signal: new AbortController().signal,
    ...(at === undefined ? {} : { now: () => at }),
  });
  const text = await readFile(config.metricsFile ?? "", "utf8").catch(() => "");
  const families = parseFamilies(text);
  return {
    code,
    log,
    text,
    families,
    value: (name, labels = {}) =>
      families
        .find((family) => family.name === name)
        ?.samples.find((sample) =>
          Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
        )?.value,
  };
}

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exchangeProblems } from "../lib/api-check.ts";
import { readApiDescription } from "../lib/api-description.ts";
import { HttpsCaller, textOf } from "../lib/https.ts";
import { fingerprintSha256, openCertificateAuthority, serverCertificate } from "../lib/tls.ts";
import type { BackupTarget } from "./backup-client.ts";
import { type Simulator, type SimulatorOptions, startSimulator } from "./server.ts";

const adminToken = "root@pam!admin";
const adminSecret = "0d5a27ab-9a8a-4a8c-b7bb-9c8a2f6f0d1e";

export interface Called {
  readonly status: number;
  /** The refusal's text. */
  readonly text: string;
  readonly data: unknown;
  readonly digest?: string;
  readonly total?: number;
}

type Form = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** A simulated backup server with TLS for a test. */
export interface TestServer {
  readonly simulator: Simulator;
  readonly folder: string;
  readonly fingerprint: string;
  readonly port: number;
  /** A call as the administrator, or as the token that is given. */
  call(method: string, path: string, form?: Form, as?: Login): Promise<Called>;
  /** As {@link call}; waits for the task that it starts, and gives its status and log. */
  task(method: string, path: string, form?: Form, as?: Login): Promise<{ status: string; log: string[] }>;
  /** Makes a datastore of that name at `/mnt/<name>` and gives its folder. */
  datastore(name: string, extra?: Form): Promise<string>;
  /** A new user with a token, both with the role on the path. */
  token(userid: string, role: string, path: string): Promise<Login>;
  target(datastore: string, as?: Login, extra?: Partial<BackupTarget>): BackupTarget;
  /** Stops the server and starts one on the same state. */
  restart(): Promise<TestServer>;
  close(): Promise<void>;
}

export interface Login {
  readonly token: string;
  readonly secret: string;
}

const api = readApiDescription("pbs");

export const admin: Login = { token: adminToken, secret: adminSecret };

/**
 * Starts a server in a temporary folder. Every call and its answer are held against the product's API description,
 * except where a call is refused for what it says; closing fails with what is different.
 */
export async function openTestServer(
  options: Partial<SimulatorOptions> = {},
  given?: string,
): Promise<TestServer> {
  const folder = given ?? (await mkdtemp(join(tmpdir(), "lab-pbs-")));
  const authority = await openCertificateAuthority(join(folder, "tls"));
  const names = { name: "pbs", ipAddresses: ["127.0.0.1"], dnsNames: [] };
  const tls = await serverCertificate(authority, join(folder, "tls"), names);
  const fingerprint = fingerprintSha256(await readFile(tls.certPath, "utf8"));
  const problems = new Set<string>();
  const simulator = await startSimulator({
    onExchange: (exchange) => {
      // Tests make wrong calls on purpose: those that are refused for what they say.
      if (api === undefined || exchange.status === 400 || exchange.status === 404) return;
      for (const problem of exchangeProblems("pbs", api, exchange)) problems.add(problem);
    },
    address: "127.0.0.1",
    port: 0,
    tls,
    stateFolder: join(folder, "pbs"),
    adminTokens: { [adminToken]: adminSecret },
    ...options,
  });
  const caller = new HttpsCaller({ host: "127.0.0.1", port: simulator.port }, { fingerprint });

  const stop = async () => {
    caller.close();
    await simulator.close();
    if (problems.size > 0) throw new Error(`not as the API is described:\n${[...problems].join("\n")}`);
  };
  const server: TestServer = {
    simulator,
    folder,
    fingerprint,
    port: simulator.port,
    async call(method, path, form = {}, { token, secret } = admin) {
      const encoded = new URLSearchParams(
        Object.entries(form).flatMap(([name, value]) =>
          [value].flat().map((one): [string, string] => [name, String(one)]),
        ),
      ).toString();
      const inBody = method === "POST" || method === "PUT";
      const answer = await caller.call(
        method,
        `/api2/json${path}${!inBody && encoded ? `?${encoded}` : ""}`,
        {
          authorization: `PBSAPIToken=${token}:${secret}`,
          ...(inBody
            ? { "content-type": "application/x-www-form-urlencoded", "content-length": encoded.length }
            : {}),
        },
        inBody ? encoded : undefined,
      );
      const text = await textOf(answer);
      return {
        status: answer.status,
        text,
        data: undefined,
        ...(answer.status === 200 ? JSON.parse(text) : {}),
      };
    },
    async task(method, path, form, as) {
      const { data, text } = await server.call(method, path, form, as);
      if (typeof data !== "string") throw new Error(`${method} ${path} started no task: ${text}`);
      await simulator.tasks.ended(data);
      const log = await simulator.tasks.logLines(data);
      return {
        status: simulator.tasks.find(data)?.status ?? "running",
        log: log.map((line) => line.replace(/^\S+: /, "")),
      };
    },
    async datastore(name, extra = {}) {
      await server.task("POST", "/config/datastore", { name, path: `/mnt/${name}`, ...extra });
      return join(folder, "pbs/root/mnt", name);
    },
    async token(userid, role, path) {
      await server.call("POST", "/access/users", { userid });
      const { data } = await server.call("POST", `/access/users/${userid}/token/t`);
      for (const id of [userid, `${userid}!t`]) {
        await server.call("PUT", "/access/acl", { path, role, "auth-id": id });
      }
      return { token: `${userid}!t`, secret: (data as { value: string }).value };
    },
    target: (datastore, as = admin, extra = {}) => ({
      server: "127.0.0.1",
      port: simulator.port,
      fingerprint,
      datastore,
      username: as.token,
      password: as.secret,
      ...extra,
    }),
    async restart() {
      await stop();
      return openTestServer(options, folder);
    },
    async close() {
      await stop().finally(() => rm(folder, { recursive: true, force: true }));
    },
  };
  return server;
}

/** A stream of one piece. */
export async function* streamOf(...parts: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield typeof part === "string" ? Buffer.from(part) : part;
}

import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exchangeProblems } from "../lib/api-check.ts";
import { readApiDescription } from "../lib/api-description.ts";
import { waitFor } from "../lib/wait.ts";
import { configSchema, type SimulatorConfig } from "./config.ts";
import { startServer } from "./server.ts";
import { type ObservedCall, openSimulator, type Simulator } from "./simulator.ts";

/** An answer of the API. */
export interface Answer {
  status: number;
  reason: string;
  body: { data: unknown; message?: string; errors?: Record<string, string>; total?: number };
}

/** Tests' token with every privilege. */
export const adminToken = { id: "test@pve!all", secret: "0d1f6f2e-secret" };

/** A configuration for tests: two nodes, one token that may do all and one that may only look. */
export function testConfig(overrides: Record<string, unknown> = {}): SimulatorConfig {
  return configSchema.parse({
    instanceId: randomBytes(4).toString("hex"),
    nodes: [{ name: "pve1" }, { name: "pve2" }],
    bridges: {},
    tokens: [
      { ...adminToken, acl: [{ path: "/", privileges: ["all"] }] },
      { id: "test@pve!audit", secret: "look", acl: [{ path: "/", privileges: ["Sys.Audit", "VM.Audit"] }] },
    ],
    ...overrides,
  });
}

type Fetch = (
  url: string,
  init: { method: string; headers: Record<string, string>; body?: string },
) => Promise<{ status: number; statusText: string; json(): Promise<unknown>; text(): Promise<string> }>;

/** A client for the API of a simulated cluster. */
export class TestClient {
  readonly #url: string;
  readonly #authorization: string;
  readonly #fetch: Fetch;

  /** @param send how requests are sent, for a server whose certificate needs a CA of its own */
  constructor(url: string, token: { id: string; secret: string } = adminToken, send: Fetch = fetch) {
    this.#url = url;
    this.#fetch = send;
    this.#authorization = `PVEAPIToken=${token.id}=${token.secret}`;
  }

  /** Calls the API with form parameters (JSON where `json` is given). */
  async call(
    method: string,
    path: string,
    parameters: Record<string, string | number | readonly string[]> = {},
    json?: unknown,
  ): Promise<Answer> {
    const form = new URLSearchParams();
    for (const [key, value] of Object.entries(parameters)) {
      for (const each of Array.isArray(value) ? value : [value]) form.append(key, String(each));
    }
    const inQuery = method === "GET" || method === "DELETE";
    const headers: Record<string, string> = { authorization: this.#authorization };
    if (!inQuery) {
      headers["content-type"] = json === undefined ? "application/x-www-form-urlencoded" : "application/json";
    }
    const body = json !== undefined ? JSON.stringify(json) : inQuery ? undefined : form;
    const query = inQuery && form.size > 0 ? `?${form}` : "";
    const response = await this.#fetch(`${this.#url}/api2/json${path}${query}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: body instanceof URLSearchParams ? body.toString() : body }),
    });
    const answer = (await response.json()) as Answer["body"];
    return { status: response.status, reason: response.statusText, body: answer };
  }

  /** Calls the API and gives the data; fails where the answer is an error. */
  async ok<T = unknown>(method: string, path: string, parameters = {}): Promise<T> {
    const answer = await this.call(method, path, parameters);
    if (answer.status !== 200) {
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    }
    return answer.body.data as T;
  }

  /** Calls the API, waits for the task that it starts and gives its exit status. */
  async task(method: string, path: string, parameters = {}, timeoutSeconds = 60): Promise<string> {
    const upid = await this.ok<string>(method, path, parameters);
    const node = upid.split(":")[1];
    return waitFor(
      async () => {
        const status = await this.ok<{ exitstatus?: string }>(
          "GET",
          `/nodes/${node}/tasks/${encodeURIComponent(upid)}/status`,
        );
        return status.exitstatus;
      },
      { what: `task ${upid}`, timeoutSeconds, intervalMs: 20 },
    );
  }

  /** Sends or fetches a snippet. */
  async snippet(method: string, path: string, content?: string): Promise<{ status: number; text: string }> {
    const response = await this.#fetch(`${this.#url}/sim/nodes/${path}`, {
      method,
      headers: { authorization: this.#authorization, "content-type": "application/octet-stream" },
      ...(content === undefined ? {} : { body: content }),
    });
    return { status: response.status, text: await response.text() };
  }
}

const api = readApiDescription("pve");

/** A simulated cluster for one test file, without TLS. */
export interface TestCluster {
  folder: string;
  url: string;
  client: TestClient;
  /** Every call so far whose parameters were right. */
  calls: ObservedCall[];
  /** The simulator behind the server. */
  sim: Simulator;
  /** Ends the server and opens the state again, as after a restart. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Starts a cluster in a temporary folder. Every call and its answer are held against the product's API description,
 * except where a call is refused for what it says; closing fails with what is different.
 */
export async function startTestCluster(config = testConfig()): Promise<TestCluster> {
  const folder = await mkdtemp(join(tmpdir(), "lab-pve-"));
  const calls: ObservedCall[] = [];
  const problems = new Set<string>();
  const open = async () => {
    const sim = await openSimulator(folder, config);
    sim.observe = (call) => calls.push(call);
    return sim;
  };
  const start = (sim: Simulator) =>
    startServer(sim, {
      address: "127.0.0.1",
      port: 0,
      onExchange: (exchange) => {
        // Tests make wrong calls on purpose: those that are refused for what they say.
        if (api === undefined || exchange.status === 400 || exchange.status === 501) return;
        for (const problem of exchangeProblems("pve", api, exchange)) problems.add(problem);
      },
    });
  const sim = await open();
  let server = await start(sim);
  const cluster: TestCluster = {
    folder,
    url: server.url,
    client: new TestClient(server.url),
    calls,
    sim,
    async restart() {
      await server.close();
      cluster.sim = await open();
      server = await start(cluster.sim);
      cluster.url = server.url;
      cluster.client = new TestClient(server.url);
    },
    async close() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
      if (problems.size > 0) throw new Error(`not as the API is described:\n${[...problems].join("\n")}`);
    },
  };
  return cluster;
}

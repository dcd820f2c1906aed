import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exchangeProblems } from "../../../rehearsal/lib/api-check.ts";
import { readApiDescription } from "../../../rehearsal/lib/api-description.ts";
import {
  fingerprintSha256,
  openCertificateAuthority,
  serverCertificate,
} from "../../../rehearsal/lib/tls.ts";
import { type Call as MadeCall, type Simulator, startSimulator } from "../../../rehearsal/pbs/server.ts";
import { PbsClient } from "../client.ts";
import { endServed } from "./managed.ts";

export const adminToken = "root@pam!admin";
const adminSecret = "5a0b7b3e-8f1e-4d58-9a52-2f0d3f6f1c11";

const api = readApiDescription("pbs");

/** A simulated server with a certificate that no authority of the system signed. */
export interface World {
  readonly simulator: Simulator;
  readonly url: string;
  readonly folder: string;
  readonly fingerprint: string;
  readonly caCertificate: string;
  readonly adminSecret: string;
  /** With every right, by fingerprint. */
  readonly client: PbsClient;
  /** Every call that was made, as the API's description names it. */
  readonly calls: MadeCall[];
  /** What of calls and answers is not as the API is described, refused calls left out; closing fails with it. */
  readonly problems: Set<string>;
  /** Runs before the next call of this method and path is handled. */
  before(method: string, path: string, act: () => Promise<unknown>): void;
  clientOf(tokenId: string, tokenSecret: string): PbsClient;
  close(): Promise<void>;
}

export async function openWorld(): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), "lab-pbs-"));
  const authority = await openCertificateAuthority(join(folder, "tls"));
  const tls = await serverCertificate(authority, join(folder, "tls"), {
    name: "pbs",
    ipAddresses: ["127.0.0.1"],
    dnsNames: [],
  });
  const calls: MadeCall[] = [];
  const problems = new Set<string>();
  const interruptions: { method: string; path: string; act: () => Promise<unknown> }[] = [];
  const simulator = await startSimulator({
    address: "127.0.0.1",
    port: 0,
    tls,
    stateFolder: join(folder, "pbs"),
    adminTokens: { [adminToken]: adminSecret },
    onExchange: (exchange) => {
      if (api === undefined || exchange.status === 400 || exchange.status === 404) return;
      for (const problem of exchangeProblems("pbs", api, exchange)) problems.add(problem);
    },
    async onCall(call) {
      calls.push(call);
      const index = interruptions.findIndex(
        ({ method, path }) => method === call.method && path === call.path,
      );
      if (index >= 0) await interruptions.splice(index, 1)[0]?.act();
    },
  });
  const fingerprint = fingerprintSha256(await readFile(tls.certPath, "utf8"));
  const clients: PbsClient[] = [];
  const clientOf = (tokenId: string, tokenSecret: string) => {
    const client = new PbsClient({ url: simulator.url, tokenId, tokenSecret, fingerprint });
    clients.push(client);
    return client;
  };
  const end = async () => {
    await Promise.all(clients.map(endServed));
    await simulator.close();
  };
  return {
    simulator,
    url: simulator.url,
    folder,
    fingerprint,
    caCertificate: authority.certPem,
    adminSecret,
    client: clientOf(adminToken, adminSecret),
    calls,
    problems,
    before: (method, path, act) => interruptions.push({ method, path, act }),
    clientOf,
    async close() {
      await end();
      await rm(folder, { recursive: true, force: true });
      if (problems.size > 0) throw new Error(`not as the API is described:\n${[...problems].join("\n")}`);
    },
  };
}

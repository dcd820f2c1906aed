import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  fingerprintSha256,
  openCertificateAuthority,
  serverCertificate,
} from "../../../rehearsal/lib/tls.ts";
import { type Call as MadeCall, type Simulator, startSimulator } from "../../../rehearsal/pbs/server.ts";
import { checkInputs } from "../../provider/check.ts";
import { diffInputs, type PropertyChange } from "../../provider/diff.ts";
import type { AnyResource, Call } from "../../provider/resource.ts";
import type { Properties } from "../../provider/values.ts";
import { PbsClient } from "../client.ts";

export const adminToken = "root@pam!admin";
const adminSecret = "5a0b7b3e-8f1e-4d58-9a52-2f0d3f6f1c11";

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
  /** Runs before the next call of this method and path is handled. */
  before(method: string, path: string, act: () => Promise<unknown>): void;
  clientOf(tokenId: string, tokenSecret: string): PbsClient;
  restart(): Promise<World>;
  close(): Promise<void>;
}

export async function openWorld(given?: string): Promise<World> {
  const folder = given ?? (await mkdtemp(join(tmpdir(), "lab-pbs-")));
  const authority = await openCertificateAuthority(join(folder, "tls"));
  const tls = await serverCertificate(authority, join(folder, "tls"), {
    name: "pbs",
    ipAddresses: ["127.0.0.1"],
    dnsNames: [],
  });
  const calls: MadeCall[] = [];
  const interruptions: { method: string; path: string; act: () => Promise<unknown> }[] = [];
  const simulator = await startSimulator({
    address: "127.0.0.1",
    port: 0,
    tls,
    stateFolder: join(folder, "pbs"),
    adminTokens: { [adminToken]: adminSecret },
    async onCall(call) {
      calls.push(call);
      const index = interruptions.findIndex(
        ({ method, path }) => method === call.method && path === call.path,
      );
      if (index >= 0) await interruptions.splice(index, 1)[0]?.act();
    },
  });
  const fingerprint = fingerprintSha256(await readFile(tls.certPath, "utf8"));
  const clientOf = (tokenId: string, tokenSecret: string) =>
    new PbsClient({ url: simulator.url, tokenId, tokenSecret, fingerprint });
  return {
    simulator,
    url: simulator.url,
    folder,
    fingerprint,
    caCertificate: authority.certPem,
    adminSecret,
    client: clientOf(adminToken, adminSecret),
    calls,
    before: (method, path, act) => interruptions.push({ method, path, act }),
    clientOf,
    async restart() {
      await simulator.close();
      return openWorld(folder);
    },
    async close() {
      await simulator.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** One resource as the engine would handle it. */
export class Managed {
  readonly #resource: AnyResource<PbsClient>;
  readonly #client: PbsClient;
  id = "";
  inputs: Properties = {};
  outputs: Properties = {};

  constructor(resource: AnyResource<PbsClient>, client: PbsClient) {
    this.#resource = resource;
    this.#client = client;
  }

  check(given: Properties): Properties {
    const { inputs, failures } = checkInputs(this.#resource as unknown as AnyResource<never>, given);
    if (failures.length > 0) throw new Error(failures.map(({ reason }) => reason).join("\n"));
    return inputs;
  }

  async create(given: Properties): Promise<this> {
    const inputs = this.check(given);
    const { id, outputs } = await this.#resource.create(this.#call(), inputs);
    this.id = id;
    this.inputs = inputs;
    this.outputs = { ...outputs };
    return this;
  }

  /** What a refresh finds changed; undefined when the resource is gone. */
  async drift(): Promise<PropertyChange[] | undefined> {
    const found = await this.read();
    if (!found) return undefined;
    return diffInputs(this.#resource as unknown as AnyResource<never>, this.inputs, found);
  }

  async read(): Promise<Properties | undefined> {
    const found = await this.#resource.read(this.#call(), this.id, {
      inputs: this.inputs,
      outputs: this.outputs,
    });
    return found && this.check({ ...found.inputs });
  }

  /** By id alone, with the secrets that the program adds. */
  async import(id: string, secrets: Properties = {}): Promise<Properties | undefined> {
    const found = await this.#resource.read(this.#call(), id, { inputs: {}, outputs: {} });
    return found && this.check({ ...found.inputs, ...secrets });
  }

  async update(given: Properties): Promise<void> {
    const wanted = this.check(given);
    const recorded = { inputs: this.inputs, outputs: this.outputs };
    this.outputs = { ...(await this.#resource.update(this.#call(), this.id, recorded, wanted)) };
    this.inputs = wanted;
  }

  delete(): Promise<void> {
    return this.#resource.delete(this.#call(), this.id, { inputs: this.inputs, outputs: this.outputs });
  }

  #call(): Call<PbsClient> {
    return {
      client: this.#client,
      urn: "urn:pulumi:test::test::test::test",
      signal: new AbortController().signal,
      timeoutSeconds: undefined,
    };
  }
}

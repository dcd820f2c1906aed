import { secretProperties } from "../../provider/messages.ts";
import type { AnyResource } from "../../provider/resource.ts";
import { isSecret, type Properties, secret, unwrapSecrets } from "../../provider/values.ts";
import type { PbsClient } from "../client.ts";
import { pbs } from "../provider.ts";
import { type Difference, openProtocol, type Protocol, type State } from "./protocol.ts";

const served = new WeakMap<PbsClient, Promise<Protocol>>();

/** The provider, served with this connection instead of one of its own. */
function protocolOf(client: PbsClient): Promise<Protocol> {
  const open = async () => {
    const protocol = await openProtocol({ ...pbs, connect: () => client });
    await protocol.configure({ url: client.url, tokenId: client.tokenId, tokenSecret: "the connection's" });
    return protocol;
  };
  const protocol = served.get(client) ?? open();
  served.set(client, protocol);
  return protocol;
}

/** Ends what was served for a connection. */
export async function endServed(client: PbsClient): Promise<void> {
  (await served.get(client))?.close();
}

/**
 * One resource as the engine handles it: over the provider's protocol, with secrets marked. Every answer is looked at
 * for secrets that are not.
 */
export class Managed {
  readonly #resource: AnyResource<PbsClient>;
  readonly #client: PbsClient;
  id = "";
  inputs: Properties = {};
  /** Those that are no inputs. */
  outputs: Properties = {};

  constructor(resource: AnyResource<PbsClient>, client: PbsClient) {
    this.#resource = resource;
    this.#client = client;
  }

  async check(given: Properties): Promise<Properties> {
    const protocol = await protocolOf(this.#client);
    const { inputs, failures } = await protocol.check(
      this.#urn,
      this.#marked(given),
      this.#marked(this.inputs),
    );
    if (failures.length > 0) throw new Error(failures.join("\n"));
    return this.#plain(inputs);
  }

  async create(given: Properties): Promise<this> {
    const inputs = await this.check(given);
    const protocol = await protocolOf(this.#client);
    const { id, properties } = await protocol.create(this.#urn, this.#marked(inputs));
    this.id = id;
    this.#record(inputs, properties);
    return this;
  }

  /** What an `up` would show before it creates; `given` may hold unknown values. */
  async previewCreate(given: Properties): Promise<Properties> {
    const protocol = await protocolOf(this.#client);
    const inputs = this.#marked(await this.check(given));
    return this.#plain((await protocol.create(this.#urn, inputs, { preview: true })).properties);
  }

  /** What an `up` would show before it updates; `given` may hold unknown values. */
  async previewUpdate(given: Properties): Promise<Properties> {
    const protocol = await protocolOf(this.#client);
    const wanted = this.#marked(await this.check(given));
    return this.#plain(await protocol.update(this.#urn, this.#state(), wanted, true));
  }

  /** What an update would change. */
  async diff(given: Properties): Promise<readonly Difference[]> {
    const protocol = await protocolOf(this.#client);
    return protocol.diff(this.#urn, this.#state(), this.#marked(await this.check(given)));
  }

  /** What a refresh finds changed; undefined when the resource is gone. */
  async drift(): Promise<readonly Difference[] | undefined> {
    const found = await this.read();
    return found && this.diff(found);
  }

  async read(): Promise<Properties | undefined> {
    const found = await (await protocolOf(this.#client)).read(this.#urn, this.#state());
    if (!found) return undefined;
    this.#plain(found.properties);
    return this.check(this.#plain(found.inputs));
  }

  /** By id alone, with the secrets that the program adds. */
  async import(id: string, secrets: Properties = {}): Promise<Properties | undefined> {
    const found = await (await protocolOf(this.#client)).read(this.#urn, { id });
    return found && this.check({ ...this.#plain(found.inputs), ...secrets });
  }

  async update(given: Properties): Promise<void> {
    const wanted = await this.check(given);
    const protocol = await protocolOf(this.#client);
    this.#record(wanted, await protocol.update(this.#urn, this.#state(), this.#marked(wanted)));
  }

  async delete(): Promise<void> {
    await (await protocolOf(this.#client)).delete(this.#urn, this.#state());
  }

  get #urn(): string {
    return `urn:pulumi:test::test::${this.#resource.token}::test`;
  }

  #state(): State {
    const { id, inputs, outputs } = this;
    return { id, inputs: this.#marked(inputs), properties: this.#marked({ ...inputs, ...outputs }) };
  }

  #record(inputs: Properties, properties: Properties): void {
    const { shape } = this.#resource.inputs;
    const own = Object.entries(this.#plain(properties)).filter(([property]) => !(property in shape));
    this.inputs = inputs;
    this.outputs = Object.fromEntries(own);
  }

  #secrets(): readonly string[] {
    return secretProperties(this.#resource as unknown as AnyResource<never>);
  }

  #marked(values: Properties): Properties {
    const secrets = this.#secrets().filter((property) => values[property] !== undefined);
    return {
      ...values,
      ...Object.fromEntries(secrets.map((property) => [property, secret(values[property])])),
    };
  }

  #plain(values: Properties): Properties {
    const open = this.#secrets().find(
      (property) => values[property] !== undefined && !isSecret(values[property]),
    );
    if (open !== undefined)
      throw new Error(`${this.#resource.token} gave its ${open} back without marking it`);
    return unwrapSecrets(values) as Properties;
  }
}

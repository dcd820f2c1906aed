import * as grpc from "@grpc/grpc-js";
import services from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import proto from "@pulumi/pulumi/proto/provider_pb.js";
import emptyProto from "google-protobuf/google/protobuf/empty_pb.js";
import { encode } from "../../provider/messages.ts";
import type { ProviderDefinition } from "../../provider/resource.ts";
import { serve } from "../../provider/server.ts";
import { isRecord, type Properties } from "../../provider/values.ts";

/** What the engine has recorded of a resource. */
export interface State {
  readonly id: string;
  readonly inputs: Properties;
  /** Inputs and outputs. */
  readonly properties: Properties;
}

export interface Checked {
  readonly inputs: Properties;
  /** Each with its property before a colon. */
  readonly failures: readonly string[];
}

/** One property that an update would change. */
export interface Difference {
  readonly property: string;
  readonly replaces: boolean;
}

/** The methods that the engine calls, with values as they cross the wire: secrets and unknowns are marked. */
export interface Protocol {
  configure(args: Properties): Promise<void>;
  check(urn: string, inputs: Properties, recorded?: Properties): Promise<Checked>;
  diff(urn: string, state: State, wanted: Properties): Promise<readonly Difference[]>;
  create(
    urn: string,
    inputs: Properties,
    options?: { readonly preview?: boolean; readonly timeoutSeconds?: number | undefined },
  ): Promise<{ readonly id: string; readonly properties: Properties }>;
  /** Undefined where there is no such resource; with an id alone, as an import does. */
  read(urn: string, state: Partial<State> & { readonly id: string }): Promise<State | undefined>;
  update(urn: string, state: State, wanted: Properties, preview?: boolean): Promise<Properties>;
  delete(urn: string, state: State): Promise<void>;
  invoke(token: string, args: Properties): Promise<{ result: Properties; failures: string[] }>;
  cancel(): Promise<void>;
  close(): void;
}

/** Serves a provider and calls it as the engine does. */
export async function openProtocol<Client, Config>(
  definition: ProviderDefinition<Client, Config>,
  engineAddress?: string,
): Promise<Protocol> {
  const server = await serve(definition, engineAddress);
  const client = new services.ResourceProviderClient(
    `127.0.0.1:${server.port}`,
    grpc.credentials.createInsecure(),
  );
  const ask = <Request, Response>(
    method: (
      request: Request,
      done: (error: grpc.ServiceError | null, response: Response) => void,
    ) => unknown,
    request: Request,
  ) =>
    new Promise<Response>((resolve, reject) => {
      method.call(client, request, (error, response) =>
        error ? reject(new Error(error.details)) : resolve(response),
      );
    });

  return {
    async configure(args) {
      const request = new proto.ConfigureRequest();
      request.setArgs(encode(args));
      await ask(client.configure, request);
    },
    async check(urn, inputs, recorded) {
      const request = new proto.CheckRequest();
      request.setUrn(urn);
      request.setNews(encode(inputs));
      if (recorded) request.setOlds(encode(recorded));
      const response = await ask<proto.CheckRequest, proto.CheckResponse>(client.check, request);
      return {
        inputs: bag(response.getInputs()),
        failures: response.getFailuresList().map((one) => `${one.getProperty()}: ${one.getReason()}`),
      };
    },
    async diff(urn, { id, inputs, properties }, wanted) {
      const request = new proto.DiffRequest();
      request.setUrn(urn);
      request.setId(id);
      request.setOldInputs(encode(inputs));
      request.setOlds(encode(properties));
      request.setNews(encode(wanted));
      const response = await ask<proto.DiffRequest, proto.DiffResponse>(client.diff, request);
      const replaces = response.getReplacesList();
      return response.getDiffsList().map((property) => ({ property, replaces: replaces.includes(property) }));
    },
    async create(urn, inputs, { preview = false, timeoutSeconds = 0 } = {}) {
      const request = new proto.CreateRequest();
      request.setUrn(urn);
      request.setProperties(encode(inputs));
      request.setPreview(preview);
      request.setTimeout(timeoutSeconds);
      const response = await ask<proto.CreateRequest, proto.CreateResponse>(client.create, request);
      return { id: response.getId(), properties: bag(response.getProperties()) };
    },
    async read(urn, { id, inputs, properties }) {
      const request = new proto.ReadRequest();
      request.setUrn(urn);
      request.setId(id);
      if (inputs) request.setInputs(encode(inputs));
      if (properties) request.setProperties(encode(properties));
      const response = await ask<proto.ReadRequest, proto.ReadResponse>(client.read, request);
      if (response.getId() === "") return undefined;
      return {
        id: response.getId(),
        inputs: bag(response.getInputs()),
        properties: bag(response.getProperties()),
      };
    },
    async update(urn, { id, inputs, properties }, wanted, preview = false) {
      const request = new proto.UpdateRequest();
      request.setUrn(urn);
      request.setId(id);
      request.setOldInputs(encode(inputs));
      request.setOlds(encode(properties));
      request.setNews(encode(wanted));
      request.setPreview(preview);
      const response = await ask<proto.UpdateRequest, proto.UpdateResponse>(client.update, request);
      return bag(response.getProperties());
    },
    async delete(urn, { id, inputs, properties }) {
      const request = new proto.DeleteRequest();
      request.setUrn(urn);
      request.setId(id);
      request.setOldInputs(encode(inputs));
      request.setProperties(encode(properties));
      await ask(client.delete, request);
    },
    async invoke(token, args) {
      const request = new proto.InvokeRequest();
      request.setTok(token);
      request.setArgs(encode(args));
      const response = await ask<proto.InvokeRequest, proto.InvokeResponse>(client.invoke, request);
      return {
        result: bag(response.getReturn()),
        failures: response.getFailuresList().map((failure) => failure.getReason()),
      };
    },
    async cancel() {
      await ask(client.cancel, new emptyProto.Empty());
    },
    close() {
      client.close();
      server.close();
    },
  };
}

function bag(struct: { toJavaScript(): unknown } | undefined): Properties {
  const value = struct?.toJavaScript();
  return isRecord(value) ? value : {};
}

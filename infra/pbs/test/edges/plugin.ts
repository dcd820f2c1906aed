import * as grpc from "@grpc/grpc-js";
import engineServices from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engineProto from "@pulumi/pulumi/proto/engine_pb.js";
import services from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import proto from "@pulumi/pulumi/proto/provider_pb.js";
import emptyProto from "google-protobuf/google/protobuf/empty_pb.js";
import { decode, encode } from "../../../provider/messages.ts";
import { serve } from "../../../provider/server.ts";
import type { Properties } from "../../../provider/values.ts";
import { pbs } from "../../provider.ts";
import { adminToken, type World } from "../world.ts";

/** What the provider told the engine. */
export interface Told {
  readonly severity: "info" | "warning";
  readonly urn: string;
  readonly message: string;
}

interface Created {
  readonly id: string;
  readonly state: Properties;
}

/** The provider as the engine sees it: over its protocol, and with an engine that listens. */
export interface Plugin {
  readonly told: Told[];
  check(type: string, inputs: Properties): Promise<{ inputs: Properties; failures: string[] }>;
  create(type: string, inputs: Properties, timeoutSeconds?: number): Promise<Created>;
  previewCreate(type: string, inputs: Properties): Promise<Properties>;
  update(type: string, id: string, recorded: Properties, wanted: Properties): Promise<Properties>;
  previewUpdate(type: string, id: string, recorded: Properties, wanted: Properties): Promise<Properties>;
  read(type: string, id: string, recorded?: Properties): Promise<Properties | undefined>;
  delete(type: string, id: string, recorded: Properties): Promise<void>;
  invoke(fn: string, args: Properties): Promise<{ result: Properties; failures: string[] }>;
  cancel(): Promise<void>;
  close(): void;
}

/** How the provider is configured to reach a world with every right. */
export function configOf(world: World): Properties {
  return {
    url: world.url,
    tokenId: adminToken,
    tokenSecret: world.adminSecret,
    fingerprint: world.fingerprint,
  };
}

/** Serves the provider; without a configuration it is as where one is not known yet. */
export async function openPlugin(config: Properties | undefined): Promise<Plugin> {
  const told: Told[] = [];
  const engine = await listeningEngine(told);
  const server = await serve(pbs, `127.0.0.1:${engine.port}`);
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

  if (config) {
    const request = new proto.ConfigureRequest();
    request.setArgs(encode(config));
    await ask(client.configure, request);
  }

  const create = (type: string, inputs: Properties, preview: boolean, timeoutSeconds = 0) => {
    const request = new proto.CreateRequest();
    request.setUrn(urnOf(type));
    request.setProperties(encode(inputs));
    request.setPreview(preview);
    request.setTimeout(timeoutSeconds);
    return ask<proto.CreateRequest, proto.CreateResponse>(client.create, request);
  };
  const update = (type: string, id: string, recorded: Properties, wanted: Properties, preview: boolean) => {
    const request = new proto.UpdateRequest();
    request.setUrn(urnOf(type));
    request.setId(id);
    request.setOlds(encode(recorded));
    request.setOldInputs(encode(recorded));
    request.setNews(encode(wanted));
    request.setPreview(preview);
    return ask<proto.UpdateRequest, proto.UpdateResponse>(client.update, request);
  };

  return {
    told,
    async check(type, inputs) {
      const request = new proto.CheckRequest();
      request.setUrn(urnOf(type));
      request.setNews(encode(inputs));
      const response = await ask<proto.CheckRequest, proto.CheckResponse>(client.check, request);
      return {
        inputs: decode(response.getInputs()),
        failures: response
          .getFailuresList()
          .map((failure) => `${failure.getProperty()}: ${failure.getReason()}`),
      };
    },
    async create(type, inputs, timeoutSeconds) {
      const response = await create(type, inputs, false, timeoutSeconds);
      return { id: response.getId(), state: decode(response.getProperties()) };
    },
    async previewCreate(type, inputs) {
      return decode((await create(type, inputs, true)).getProperties());
    },
    async update(type, id, recorded, wanted) {
      return decode((await update(type, id, recorded, wanted, false)).getProperties());
    },
    async previewUpdate(type, id, recorded, wanted) {
      return decode((await update(type, id, recorded, wanted, true)).getProperties());
    },
    async read(type, id, recorded = {}) {
      const request = new proto.ReadRequest();
      request.setUrn(urnOf(type));
      request.setId(id);
      request.setInputs(encode(recorded));
      request.setProperties(encode(recorded));
      const response = await ask<proto.ReadRequest, proto.ReadResponse>(client.read, request);
      return response.getId() === "" ? undefined : decode(response.getInputs());
    },
    async delete(type, id, recorded) {
      const request = new proto.DeleteRequest();
      request.setUrn(urnOf(type));
      request.setId(id);
      request.setProperties(encode(recorded));
      request.setOldInputs(encode(recorded));
      await ask(client.delete, request);
    },
    async invoke(fn, args) {
      const request = new proto.InvokeRequest();
      request.setTok(`pbs:index:${fn}`);
      request.setArgs(encode(args));
      const response = await ask<proto.InvokeRequest, proto.InvokeResponse>(client.invoke, request);
      return {
        result: decode(response.getReturn()),
        failures: response.getFailuresList().map((failure) => failure.getReason()),
      };
    },
    async cancel() {
      await ask(client.cancel, new emptyProto.Empty());
    },
    close() {
      client.close();
      server.close();
      engine.close();
    },
  };
}

function urnOf(type: string): string {
  return `urn:pulumi:test::test::pbs:index:${type}::test`;
}

async function listeningEngine(told: Told[]): Promise<{ readonly port: number; close(): void }> {
  const server = new grpc.Server();
  const log: grpc.handleUnaryCall<engineProto.LogRequest, emptyProto.Empty> = ({ request }, done) => {
    const severity = request.getSeverity() === engineProto.LogSeverity.INFO ? "info" : "warning";
    told.push({ severity, urn: request.getUrn(), message: request.getMessage() });
    done(null, new emptyProto.Empty());
  };
  server.addService({ log: engineServices.EngineService.log } as unknown as grpc.ServiceDefinition, { log });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return { port, close: () => server.forceShutdown() };
}

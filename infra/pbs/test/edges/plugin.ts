import * as grpc from "@grpc/grpc-js";
import engineServices from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engineProto from "@pulumi/pulumi/proto/engine_pb.js";
import emptyProto from "google-protobuf/google/protobuf/empty_pb.js";
import { type Properties, unwrapSecrets } from "../../../provider/values.ts";
import { pbs } from "../../provider.ts";
import { type Checked, openProtocol } from "../protocol.ts";
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
  check(type: string, inputs: Properties): Promise<Checked>;
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
  const protocol = await openProtocol(pbs, `127.0.0.1:${engine.port}`);
  if (config) await protocol.configure(config);
  const stateOf = (id: string, recorded: Properties) => ({ id, inputs: recorded, properties: recorded });

  return {
    told,
    async check(type, inputs) {
      const { inputs: checked, failures } = await protocol.check(urnOf(type), inputs);
      return { inputs: plain(checked), failures };
    },
    async create(type, inputs, timeoutSeconds) {
      const { id, properties } = await protocol.create(urnOf(type), inputs, { timeoutSeconds });
      return { id, state: plain(properties) };
    },
    async previewCreate(type, inputs) {
      return plain((await protocol.create(urnOf(type), inputs, { preview: true })).properties);
    },
    async update(type, id, recorded, wanted) {
      return plain(await protocol.update(urnOf(type), stateOf(id, recorded), wanted));
    },
    async previewUpdate(type, id, recorded, wanted) {
      return plain(await protocol.update(urnOf(type), stateOf(id, recorded), wanted, true));
    },
    async read(type, id, recorded = {}) {
      const found = await protocol.read(urnOf(type), stateOf(id, recorded));
      return found && plain(found.inputs);
    },
    delete: (type, id, recorded) => protocol.delete(urnOf(type), stateOf(id, recorded)),
    invoke: (fn, args) => protocol.invoke(`pbs:index:${fn}`, args),
    cancel: () => protocol.cancel(),
    close() {
      protocol.close();
      engine.close();
    },
  };
}

const plain = (values: Properties) => unwrapSecrets(values) as Properties;

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

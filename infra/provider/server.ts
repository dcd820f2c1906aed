import * as grpc from "@grpc/grpc-js";
import services from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import { Engine } from "./engine.ts";
import { handlers } from "./handlers.ts";
import type { ProviderDefinition } from "./resource.ts";

// Delivered bundles and binaries' manifests exceed gRPC's 4 MiB default.
const maxMessageBytes = 400 * 1024 * 1024;

/**
 * Serves a provider on a free loopback port.
 * @param engineAddress where the engine listens, if it is known already
 */
export async function serve<Client, Config>(
  definition: ProviderDefinition<Client, Config>,
  engineAddress?: string,
): Promise<{ readonly port: number; close(): void }> {
  const server = new grpc.Server({
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.max_send_message_length": maxMessageBytes,
  });
  const engine = new Engine();
  engine.attach(engineAddress);
  server.addService(services.ResourceProviderService, handlers(definition, engine));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return {
    port,
    close() {
      server.forceShutdown();
      engine.close();
    },
  };
}

import * as grpc from "@grpc/grpc-js";
import services from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import proto from "@pulumi/pulumi/proto/engine_pb.js";

/** Something to tell the user that stops nothing. */
export interface Note {
  readonly severity: "info" | "warning";
  readonly message: string;
}

/** The engine that a provider works for, as far as it can be talked to. */
export class Engine {
  #client: InstanceType<typeof services.EngineClient> | undefined;

  /** @param address `host:port`; the engine gives it by argument, handshake or attachment, whichever comes */
  attach(address: string | undefined): void {
    if (!address) return;
    // A provider that runs on its own serves one engine after the other.
    this.#client?.close();
    this.#client = new services.EngineClient(address, grpc.credentials.createInsecure());
  }

  /** Shows a note beside a resource. Never fails: nothing is worth stopping for because it could not be told. */
  async tell(urn: string, { severity, message }: Note): Promise<void> {
    const client = this.#client;
    if (!client) return;
    const request = new proto.LogRequest();
    request.setUrn(urn);
    request.setMessage(message);
    request.setSeverity(severity === "info" ? proto.LogSeverity.INFO : proto.LogSeverity.WARNING);
    await new Promise<void>((resolve) => client.log(request, () => resolve()));
  }

  close(): void {
    this.#client?.close();
  }
}

import type { UntypedServiceImplementation } from "@grpc/grpc-js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import proto from "@pulumi/pulumi/proto/provider_pb.js";
import emptyProto from "google-protobuf/google/protobuf/empty_pb.js";
import { adviceOn, checkInputs, checkShape, parseConfig } from "./check.ts";
import type { Engine } from "./engine.ts";
import {
  checkFailure,
  decode,
  diffResponse,
  encode,
  encodeInputs,
  encodeState,
  knownBeforeUpdate,
  previewOf,
  recordedState,
} from "./messages.ts";
import type { AnyResource, Call, FunctionDefinition, ProviderDefinition, Recorded } from "./resource.ts";
import { messageOf, unary } from "./unary.ts";
import { containsUnknown, type Properties } from "./values.ts";

const previewNotesMs = 5000;

/** The methods of the provider protocol. */
export function handlers<Client, Config>(
  definition: ProviderDefinition<Client, Config>,
  engine: Engine,
): UntypedServiceImplementation {
  const resources = new Map(definition.resources.map((resource) => [resource.token, resource]));
  const functions = new Map((definition.functions ?? []).map((fn) => [fn.token, fn]));
  const cancelled = new AbortController();
  let client: Client | undefined;

  const resourceOf = (urn: string): AnyResource<Client> => {
    const token = typeOf(urn);
    const resource = resources.get(token);
    if (!resource) throw new Error(`package ${definition.name} has no resource type ${token}`);
    return resource;
  };
  const callFor = (urn: string, timeoutSeconds: number): Call<Client> => {
    if (client === undefined) {
      throw new Error(
        `provider ${definition.name} is not configured: part of its configuration is not known yet`,
      );
    }
    return { client, urn, signal: cancelled.signal, timeoutSeconds: timeoutSeconds || undefined };
  };

  const foretell = async (
    resource: AnyResource<Client>,
    urn: string,
    recorded: Recorded<Properties, Properties>,
    wanted: Properties,
  ) => {
    if (client === undefined || !resource.notesOnPreview || containsUnknown(wanted)) return;
    const signal = AbortSignal.any([cancelled.signal, AbortSignal.timeout(previewNotesMs)]);
    const notes = await resource.notesOnPreview({ ...callFor(urn, 0), signal }, recorded, wanted);
    await Promise.all(notes.map((note) => engine.tell(urn, note)));
  };

  return {
    handshake: unary<proto.ProviderHandshakeRequest, proto.ProviderHandshakeResponse>((request) => {
      engine.attach(request.getEngineAddress());
      return new proto.ProviderHandshakeResponse();
    }),
    attach: unary<plugin.PluginAttach, emptyProto.Empty>((request) => {
      engine.attach(request.getAddress());
      return new emptyProto.Empty();
    }),
    getPluginInfo: unary<emptyProto.Empty, plugin.PluginInfo>(() => {
      const info = new plugin.PluginInfo();
      info.setVersion(definition.version);
      return info;
    }),
    getSchema: unary<proto.GetSchemaRequest, proto.GetSchemaResponse>(async () => {
      const { name, version, schema } = definition;
      const response = new proto.GetSchemaResponse();
      response.setSchema(schema ? await schema() : JSON.stringify({ name, version }));
      return response;
    }),
    cancel: unary<emptyProto.Empty, emptyProto.Empty>(() => {
      cancelled.abort(new Error("the update was cancelled"));
      return new emptyProto.Empty();
    }),
    checkConfig: unary<proto.CheckRequest, proto.CheckResponse>((request) => {
      const given = decode(request.getNews());
      const response = new proto.CheckResponse();
      response.setInputs(request.getNews());
      if (!containsUnknown(given)) response.setFailuresList(configFailures(definition, given));
      return response;
    }),
    configure: unary<proto.ConfigureRequest, proto.ConfigureResponse>((request) => {
      const given = decode(request.getArgs());
      if (!containsUnknown(given)) client = definition.connect(parseConfig(definition.config, given));
      // Secrets arrive in plain and the engine marks what is returned under the same name: no operation can forget to.
      return new proto.ConfigureResponse();
    }),
    check: unary<proto.CheckRequest, proto.CheckResponse>(async (request) => {
      const resource = resourceOf(request.getUrn()) as AnyResource<never>;
      const { inputs, failures } = checkInputs(resource, decode(request.getNews()));
      const advice = failures.length > 0 ? [] : adviceOn(resource.inputs, inputs);
      await Promise.all(advice.map((note) => engine.tell(request.getUrn(), note)));
      const response = new proto.CheckResponse();
      response.setInputs(encodeInputs(resource, inputs));
      response.setFailuresList(failures.map(checkFailure));
      return response;
    }),
    diff: unary<proto.DiffRequest, proto.DiffResponse>((request) =>
      diffResponse(
        resourceOf(request.getUrn()) as AnyResource<never>,
        recordedState(request.getOldInputs(), request.getOlds()),
        decode(request.getNews()),
      ),
    ),
    create: unary<proto.CreateRequest, proto.CreateResponse>(async (request) => {
      const resource = resourceOf(request.getUrn());
      const inputs = decode(request.getProperties());
      // After a handshake the engine asks for every preview too.
      if (request.getPreview()) {
        const known = { ...resource.foreknown?.({ inputs: {}, outputs: {} }, inputs) };
        return previewOf(new proto.CreateResponse(), resource, inputs, known);
      }
      const { id, outputs } = await resource.create(callFor(request.getUrn(), request.getTimeout()), inputs);
      const response = new proto.CreateResponse();
      response.setId(id);
      response.setProperties(encodeState(resource, inputs, outputs));
      return response;
    }),
    read: unary<proto.ReadRequest, proto.ReadResponse>(async (request) => {
      const resource = resourceOf(request.getUrn());
      const recorded = recordedState(request.getInputs(), request.getProperties());
      const found = await resource.read(
        callFor(request.getUrn(), request.getTimeout()),
        request.getId(),
        recorded,
      );
      const response = new proto.ReadResponse();
      if (!found) return response;
      // What the product holds may be something that the schema would refuse: it is shown all the same.
      const inputs = { ...found.inputs, ...checkShape(resource.inputs, { ...found.inputs }).inputs };
      response.setId(request.getId());
      response.setInputs(encodeInputs(resource, inputs));
      response.setProperties(encodeState(resource, inputs, found.outputs));
      return response;
    }),
    update: unary<proto.UpdateRequest, proto.UpdateResponse>(async (request) => {
      const resource = resourceOf(request.getUrn());
      const wanted = decode(request.getNews());
      const recorded = withoutInputs(resource, recordedState(request.getOldInputs(), request.getOlds()));
      if (request.getPreview()) await foretell(resource, request.getUrn(), recorded, wanted);
      if (request.getPreview()) {
        const known = knownBeforeUpdate(resource, recorded, wanted);
        return previewOf(new proto.UpdateResponse(), resource, wanted, known);
      }
      const outputs = await resource.update(
        callFor(request.getUrn(), request.getTimeout()),
        request.getId(),
        recorded,
        wanted,
      );
      const response = new proto.UpdateResponse();
      response.setProperties(encodeState(resource, wanted, outputs));
      return response;
    }),
    delete: unary<proto.DeleteRequest, emptyProto.Empty>(async (request) => {
      await resourceOf(request.getUrn()).delete(
        callFor(request.getUrn(), request.getTimeout()),
        request.getId(),
        recordedState(request.getOldInputs(), request.getProperties()),
      );
      return new emptyProto.Empty();
    }),
    invoke: unary<proto.InvokeRequest, proto.InvokeResponse>(async (request) => {
      const fn = functions.get(request.getTok());
      if (!fn) throw new Error(`package ${definition.name} has no function ${request.getTok()}`);
      return invokeResponse(fn, callFor(request.getTok(), 0), decode(request.getArgs()));
    }),
  };
}

/** A state holds the inputs too, as they were: returned as outputs they would hide what they are changed to. */
function withoutInputs<Client>(
  resource: AnyResource<Client>,
  { inputs, outputs }: Recorded<Properties, Properties>,
): Recorded<Properties, Properties> {
  const own = Object.entries(outputs).filter(([name]) => !(name in resource.inputs.shape));
  return { inputs, outputs: Object.fromEntries(own) };
}

async function invokeResponse<Client>(
  fn: FunctionDefinition<Client>,
  { client, signal }: Call<Client>,
  given: Properties,
): Promise<proto.InvokeResponse> {
  const { inputs, failures } = checkShape(fn.inputs, given);
  const response = new proto.InvokeResponse();
  response.setFailuresList(failures.map(checkFailure));
  if (failures.length === 0) response.setReturn(encode({ ...(await fn.run(client, inputs, signal)) }));
  return response;
}

function configFailures(
  definition: Pick<ProviderDefinition<never, unknown>, "config">,
  given: Properties,
): proto.CheckFailure[] {
  try {
    parseConfig(definition.config, given);
    return [];
  } catch (error) {
    return messageOf(error)
      .split("\n")
      .map((line) => checkFailure({ property: line.split(":")[0] ?? "", reason: line }));
  }
}

/** `urn:pulumi:stack::project::parentType$type::name` → `type`. */
function typeOf(urn: string): string {
  return urn.split("::")[2]?.split("$").at(-1) ?? urn;
}

import proto from "@pulumi/pulumi/proto/provider_pb.js";
import structProto from "google-protobuf/google/protobuf/struct_pb.js";
import { z } from "zod";
import { diffResource } from "./diff.ts";
import { metaOf } from "./meta.ts";
import type { AnyResource, Failure, Recorded } from "./resource.ts";
import {
  isRecord,
  type Properties,
  secret,
  unknownValue,
  unwrapSecrets,
  withoutUndefined,
} from "./values.ts";

/** The answer to a preview: the inputs, and the outputs that are known without asking the product. */
export function previewOf<Response extends proto.CreateResponse | proto.UpdateResponse>(
  response: Response,
  resource: AnyResource<never>,
  inputs: Properties,
  outputs: Properties,
): Response {
  response.setProperties(encodeState(resource, inputs, outputs));
  return response;
}

/**
 * The outputs that are no inputs, as far as they are known before an update: what the product computed stays as it was,
 * because an unknown address would make its dependants look replaced, but what is made anew is not known unless the
 * resource can tell it before.
 */
export function knownBeforeUpdate(
  resource: AnyResource<never>,
  recorded: Recorded<Properties, Properties>,
  wanted: Properties,
): Properties {
  const renewed = resource.renews?.(recorded, wanted) ?? [];
  return {
    ...Object.fromEntries(
      Object.entries(recorded.outputs).filter(([name]) => !(name in resource.inputs.shape)),
    ),
    ...Object.fromEntries(renewed.map((name) => [name, unknownValue])),
    ...resource.foreknown?.(recorded, wanted),
  };
}

/** What an update would change, property by property, and whether it replaces. */
export function diffResponse(
  resource: AnyResource<never>,
  recorded: Recorded<Properties, Properties>,
  wanted: Properties,
): proto.DiffResponse {
  const changes = diffResource(resource, recorded, wanted);
  const response = new proto.DiffResponse();
  response.setChanges(
    changes.length > 0 ? proto.DiffResponse.DiffChanges.DIFF_SOME : proto.DiffResponse.DiffChanges.DIFF_NONE,
  );
  response.setDiffsList(changes.map((change) => change.property));
  response.setReplacesList(changes.filter((change) => change.replaces).map((change) => change.property));
  const { deleteBeforeReplace = false } = resource;
  response.setDeletebeforereplace(
    typeof deleteBeforeReplace === "boolean"
      ? deleteBeforeReplace
      : deleteBeforeReplace(changes.map((change) => change.property)),
  );
  response.setHasdetaileddiff(true);
  const kinds = proto.PropertyDiff.Kind;
  for (const { property, kind, replaces, ofOutput = false } of changes) {
    const detail = new proto.PropertyDiff();
    detail.setInputdiff(!ofOutput);
    if (kind === "add") detail.setKind(replaces ? kinds.ADD_REPLACE : kinds.ADD);
    else if (kind === "delete") detail.setKind(replaces ? kinds.DELETE_REPLACE : kinds.DELETE);
    else detail.setKind(replaces ? kinds.UPDATE_REPLACE : kinds.UPDATE);
    response.getDetaileddiffMap().set(property, detail);
  }
  return response;
}

export function checkFailure({ property, reason }: Failure): proto.CheckFailure {
  const failure = new proto.CheckFailure();
  failure.setProperty(property);
  failure.setReason(reason);
  return failure;
}

/** What Pulumi recorded, from the two bags in which it is sent. */
export function recordedState(
  inputs: structProto.Struct | undefined,
  outputs: structProto.Struct | undefined,
): Recorded<Properties, Properties> {
  return { inputs: decode(inputs), outputs: decode(outputs) };
}

/** A bag as plain values: the engine keeps track of what is secret. */
export function decode(struct: structProto.Struct | undefined): Properties {
  const value = unwrapSecrets(struct?.toJavaScript() ?? {});
  return isRecord(value) ? value : {};
}

/** Plain values as a bag. */
export function encode(value: Properties): structProto.Struct {
  return structProto.Struct.fromJavaScript(
    withoutUndefined(value) as Record<string, structProto.JavaScriptValue>,
  );
}

/** A resource's state: its inputs are outputs too. */
export function encodeState(
  resource: AnyResource<never>,
  inputs: Properties,
  outputs: object,
): structProto.Struct {
  return encodeInputs(resource, { ...inputs, ...outputs });
}

/** The inputs and outputs that are secret of themselves. */
export function secretProperties(resource: AnyResource<never>): readonly string[] {
  const types: Record<string, z.ZodType> = resource.inputs.shape;
  const inputs = Object.keys(types).filter((name) => metaOf(types[name] ?? z.never()).secret);
  return [...new Set([...inputs, ...(resource.secretOutputs ?? [])])];
}

/**
 * Inputs, or a state, with everything marked that is secret of itself. A program in whose language no class does it
 * would otherwise leave a password readable in the state, or in a preview beside one that is not known yet.
 */
export function encodeInputs(resource: AnyResource<never>, inputs: Properties): structProto.Struct {
  const marked: Properties = { ...inputs };
  for (const property of secretProperties(resource)) {
    const value = marked[property];
    if (value !== undefined) marked[property] = secret(value);
  }
  return encode(marked);
}

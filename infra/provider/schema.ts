import { z } from "zod";
import type { Documented } from "./doc-comments.ts";
import { innerOf, metaOf } from "./meta.ts";
import type { AnyResource, FunctionDefinition, ProviderDefinition } from "./resource.ts";

/** What a package's schema says beside its types, in Pulumi's words. */
export interface PackageInfo {
  readonly displayName: string;
  readonly description: string;
  readonly keywords: readonly string[];
  readonly license: string;
  readonly publisher: string;
  /** By language, what its generator needs to know. */
  readonly language: Readonly<Record<string, object>>;
}

interface PropertySpec {
  type?: string;
  $ref?: string;
  items?: PropertySpec;
  additionalProperties?: PropertySpec;
  oneOf?: PropertySpec[];
  description?: string;
  default?: unknown;
  secret?: true;
  willReplaceOnChanges?: true;
}

type Bag = Record<string, PropertySpec>;

type TypeSpec =
  | { type: "object"; description?: string; properties: Bag; required: string[] }
  | { type: "string"; description?: string; enum: { value: string }[] };

const undocumented: Documented = { properties: new Map() };

/**
 * A package's schema in Pulumi's format, from the schemas that its inputs are checked with.
 * @param documentedOf what doc comments say about a schema
 */
export function packageSchema<Client, Config>(
  definition: ProviderDefinition<Client, Config>,
  info: PackageInfo,
  documentedOf: (schema: z.ZodObject) => Documented | undefined,
): object {
  const types = new Types(definition.name, (schema) => documentedOf(schema) ?? undocumented);
  const config = types.bag(definition.config, "Provider");
  const configured = requiredOf(definition.config, "input");
  return {
    name: definition.name,
    version: definition.version,
    displayName: info.displayName,
    description: info.description,
    keywords: info.keywords,
    license: info.license,
    publisher: info.publisher,
    meta: { moduleFormat: "(.*)" },
    config: { variables: config, defaults: configured },
    provider: {
      description: documentedOf(definition.config)?.text,
      inputProperties: config,
      requiredInputs: configured,
    },
    resources: Object.fromEntries(definition.resources.map((one) => [one.token, types.resource(one)])),
    functions: Object.fromEntries(
      (definition.functions ?? []).map((one) => [one.token, types.function(one)]),
    ),
    types: Object.fromEntries(types.named),
    language: info.language,
  };
}

/** Turns schemas into property bags and collects the named types that they need. */
class Types {
  readonly named = new Map<string, TypeSpec>();
  readonly #names = new Map<z.ZodType, string>();
  readonly #package: string;
  readonly #documentedOf: (schema: z.ZodObject) => Documented;

  constructor(packageName: string, documentedOf: (schema: z.ZodObject) => Documented) {
    this.#package = packageName;
    this.#documentedOf = documentedOf;
  }

  resource(resource: AnyResource<never>): object {
    const name = nameOf(resource.token);
    const inputs = this.bag(resource.inputs, name);
    for (const property of resource.replaceOn) {
      if (inputs[property]) inputs[property].willReplaceOnChanges = true;
    }
    const outputs = resource.outputs ? this.bag(resource.outputs, name) : {};
    for (const property of resource.secretOutputs ?? []) {
      const spec = outputs[property] ?? inputs[property];
      if (spec) spec.secret = true;
    }
    return {
      description: this.#documentedOf(resource.inputs).text,
      properties: { ...withoutDefaults(inputs), ...outputs },
      required: [
        ...requiredOf(resource.inputs, "output"),
        ...(resource.outputs ? requiredOf(resource.outputs, "output") : []),
      ],
      inputProperties: inputs,
      requiredInputs: requiredOf(resource.inputs, "input"),
    };
  }

  function(fn: FunctionDefinition<never>): object {
    const name = capital(nameOf(fn.token));
    return {
      description: this.#documentedOf(fn.inputs).text,
      inputs: {
        type: "object",
        properties: this.bag(fn.inputs, name),
        required: requiredOf(fn.inputs, "input"),
      },
      ...(fn.outputs
        ? {
            outputs: {
              type: "object",
              description: this.#documentedOf(fn.outputs).text,
              properties: withoutDefaults(this.bag(fn.outputs, name)),
              required: requiredOf(fn.outputs, "output"),
            },
          }
        : {}),
    };
  }

  bag(schema: z.ZodObject, owner: string, documented = this.#documentedOf(schema)): Bag {
    return Object.fromEntries(
      Object.entries(schema.shape as Record<string, z.ZodType>).map(([name, type]) => [
        name,
        this.#property(type, owner + capital(name), documented.properties.get(name) ?? undocumented),
      ]),
    );
  }

  #property(type: z.ZodType, name: string, documented: Documented): PropertySpec {
    const fallback = defaultOf(type);
    return {
      ...this.#type(coreOf(type), name, documented),
      ...(documented.text === undefined ? {} : { description: documented.text }),
      ...(fallback === undefined ? {} : { default: fallback }),
      ...(metaOf(type).secret ? { secret: true } : {}),
    };
  }

  #type(type: z.ZodType, name: string, documented: Documented): PropertySpec {
    if (type instanceof z.ZodString || type instanceof z.ZodStringFormat) return { type: "string" };
    if (type instanceof z.ZodNumber) return { type: type.isInt ? "integer" : "number" };
    if (type instanceof z.ZodBoolean) return { type: "boolean" };
    if (type instanceof z.ZodLiteral) return { type: typeof type.value };
    if (type instanceof z.ZodEnum) return this.#enum(type, name, documented);
    if (type instanceof z.ZodArray) {
      const element = coreOf(type.element as z.ZodType);
      return { type: "array", items: this.#type(element, singular(name), documented) };
    }
    if (type instanceof z.ZodRecord) {
      const value = coreOf(type.valueType as z.ZodType);
      return { type: "object", additionalProperties: this.#type(value, name, undocumented) };
    }
    if (type instanceof z.ZodObject) return this.#object(type, name, documented);
    if (type instanceof z.ZodUnion) {
      const options = type.options.map((one) => coreOf(one as z.ZodType));
      return {
        oneOf: options.map((one, index) => this.#type(one, `${name}${index + 1}`, documented)),
      };
    }
    throw new Error(`${name} is of a kind that a package's schema has no word for: ${type.type}`);
  }

  #enum(type: z.ZodEnum, name: string, documented: Documented): PropertySpec {
    return this.#refer(type, name, () => ({
      type: "string",
      ...(documented.text === undefined ? {} : { description: documented.text }),
      enum: type.options.map((value) => ({ value: String(value) })),
    }));
  }

  #object(type: z.ZodObject, name: string, documented: Documented): PropertySpec {
    return this.#refer(type, name, () => ({
      type: "object",
      ...(documented.text === undefined ? {} : { description: documented.text }),
      properties: withoutDefaults(this.bag(type, name, documented)),
      required: requiredOf(type, "input"),
    }));
  }

  /** A type that several properties share is named after the first. */
  #refer(type: z.ZodType, name: string, describe: () => TypeSpec): PropertySpec {
    const known = this.#names.get(type);
    const token = known ?? `${this.#package}:index:${name}`;
    if (known === undefined) {
      this.#names.set(type, token);
      this.named.set(token, describe());
    }
    return { $ref: `#/types/${token}` };
  }
}

/** The type without what makes it optional. */
function coreOf(type: z.ZodType): z.ZodType {
  const inner = innerOf(type);
  return inner ? coreOf(inner) : type;
}

/** Names of the properties that must be given, or that are always there. */
function requiredOf(schema: z.ZodObject, side: "input" | "output"): string[] {
  return Object.entries(schema.shape as Record<string, z.ZodType>)
    .filter(([, type]) => !isOptional(type, side))
    .map(([name]) => name);
}

function isOptional(type: z.ZodType, side: "input" | "output"): boolean {
  const absent = type.safeParse(undefined);
  return absent.success && (side === "input" || absent.data === undefined);
}

function defaultOf(type: z.ZodType): unknown {
  const absent = type.safeParse(undefined);
  return absent.success && ["string", "number", "boolean"].includes(typeof absent.data)
    ? absent.data
    : undefined;
}

function withoutDefaults(bag: Bag): Bag {
  return Object.fromEntries(Object.entries(bag).map(([name, { default: _, ...spec }]) => [name, spec]));
}

function nameOf(token: string): string {
  return token.split(":").at(-1) ?? token;
}

function capital(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function singular(name: string): string {
  return name.replace(/s$/, "");
}

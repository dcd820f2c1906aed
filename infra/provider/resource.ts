import type { z } from "zod";
import type { Note } from "./engine.ts";
import type { Properties } from "./values.ts";

/** What one operation on a resource may use. */
export interface Call<Client> {
  /** The connection that the provider's `connect` made from its configuration. */
  readonly client: Client;
  readonly urn: string;
  /** Aborted when the user cancels the update. */
  readonly signal: AbortSignal;
  /** The resource's `customTimeouts` for this operation; undefined means the resource's own default. */
  readonly timeoutSeconds: number | undefined;
}

/** A property that is wrong and why, in words that tell what is allowed instead. */
export interface Failure {
  readonly property: string;
  readonly reason: string;
}

/** What Pulumi recorded of a resource: both are empty on import, where only the id is known. */
export interface Recorded<Inputs, Outputs> {
  readonly inputs: Partial<Inputs>;
  readonly outputs: Partial<Outputs>;
}

/**
 * One resource type of a provider. Inputs are validated before any operation runs, defaults filled in, and secrets
 * are handed over in plain; the engine keeps them encrypted in the state. All inputs are outputs too.
 */
export interface ResourceDefinition<Client, Shape extends z.ZodRawShape, Outputs extends object> {
  /** For example `pbs:index:Datastore`. */
  readonly token: string;
  readonly inputs: z.ZodObject<Shape>;
  /** Checks across properties; runs when all inputs are known. */
  readonly checkTogether?: (inputs: z.output<z.ZodObject<Shape>>) => readonly Failure[];
  /** Properties that the product cannot change in place. */
  readonly replaceOn: readonly (keyof Shape & string)[];
  /** Changes of other properties that need a replacement all the same. */
  readonly replaceWhen?: (property: string, recorded: unknown, wanted: unknown) => boolean;
  /**
   * Whether a replacement must delete first because both cannot exist at once (a fixed name); may depend on which
   * properties change. Default false.
   */
  readonly deleteBeforeReplace?: boolean | ((changed: readonly string[]) => boolean);
  /** Outputs that are secret although no input of the same name is. */
  readonly secretOutputs?: readonly (keyof Outputs & string)[];
  /** Overrides the comparison of one property; default is deep equality. */
  readonly sameValue?: (property: string, recorded: unknown, wanted: unknown) => boolean;
  /** The outputs that are no inputs, for the package's schema. */
  readonly outputs?: z.ZodObject;
  /**
   * The outputs that an update would make anew: because of other inputs, or without any, because the clock demands it.
   * Where it names one there is something to update, and a preview shows those outputs as not known yet, so that what
   * depends on them is seen to change too. `wanted` may hold values that are not known yet.
   */
  readonly renews?: (
    recorded: Recorded<z.output<z.ZodObject<Shape>>, Outputs>,
    wanted: Properties,
  ) => readonly (keyof Outputs & string)[];

  /**
   * Outputs that can be told before a create or an update acts, so that a preview shows them and what depends on them as
   * they will be. Nothing is recorded before a create; `wanted` may hold values that are not known yet. Must not need the
   * product.
   */
  readonly foreknown?: (
    recorded: Recorded<z.output<z.ZodObject<Shape>>, Outputs>,
    wanted: Properties,
  ) => Partial<Outputs>;

  /**
   * What to tell of an update while it is previewed, beyond its diff. Runs only when everything is known, must change
   * nothing and take a few seconds at most: the signal aborts then.
   */
  notesOnPreview?(
    call: Call<Client>,
    recorded: Recorded<z.output<z.ZodObject<Shape>>, Outputs>,
    wanted: z.output<z.ZodObject<Shape>>,
  ): Promise<readonly Note[]>;

  create(
    call: Call<Client>,
    inputs: z.output<z.ZodObject<Shape>>,
  ): Promise<{ readonly id: string; readonly outputs: Outputs }>;

  /** The resource as it is now, with the inputs that would describe it; undefined when it does not exist. */
  read(
    call: Call<Client>,
    id: string,
    recorded: Recorded<z.output<z.ZodObject<Shape>>, Outputs>,
  ): Promise<{ readonly inputs: z.input<z.ZodObject<Shape>>; readonly outputs: Outputs } | undefined>;

  update(
    call: Call<Client>,
    id: string,
    recorded: Recorded<z.output<z.ZodObject<Shape>>, Outputs>,
    wanted: z.output<z.ZodObject<Shape>>,
  ): Promise<Outputs>;

  /** Deleting what is already gone succeeds. */
  delete(
    call: Call<Client>,
    id: string,
    recorded: Recorded<z.output<z.ZodObject<Shape>>, Outputs>,
  ): Promise<void>;
}

/** A resource definition whose types the server no longer needs to know. */
export interface AnyResource<Client> {
  readonly token: string;
  readonly inputs: z.ZodObject;
  readonly checkTogether?: (inputs: Properties) => readonly Failure[];
  readonly replaceOn: readonly string[];
  readonly replaceWhen?: (property: string, recorded: unknown, wanted: unknown) => boolean;
  readonly deleteBeforeReplace?: boolean | ((changed: readonly string[]) => boolean);
  readonly secretOutputs?: readonly string[];
  readonly sameValue?: (property: string, recorded: unknown, wanted: unknown) => boolean;
  readonly outputs?: z.ZodObject;
  readonly renews?: (recorded: Recorded<Properties, Properties>, wanted: Properties) => readonly string[];
  readonly foreknown?: (recorded: Recorded<Properties, Properties>, wanted: Properties) => object;
  notesOnPreview?(
    call: Call<Client>,
    recorded: Recorded<Properties, Properties>,
    wanted: Properties,
  ): Promise<readonly Note[]>;
  create(call: Call<Client>, inputs: Properties): Promise<{ readonly id: string; readonly outputs: object }>;
  read(
    call: Call<Client>,
    id: string,
    recorded: Recorded<Properties, Properties>,
  ): Promise<{ readonly inputs: object; readonly outputs: object } | undefined>;
  update(
    call: Call<Client>,
    id: string,
    recorded: Recorded<Properties, Properties>,
    wanted: Properties,
  ): Promise<object>;
  delete(call: Call<Client>, id: string, recorded: Recorded<Properties, Properties>): Promise<void>;
}

/**
 * Declares a resource type. The server calls it only with inputs that its own schema has parsed, which is what makes
 * forgetting the types here sound.
 */
export function defineResource<Client, Shape extends z.ZodRawShape, Outputs extends object>(
  definition: ResourceDefinition<Client, Shape, Outputs>,
): AnyResource<Client> {
  return definition as unknown as AnyResource<Client>;
}

/** A function of a provider, called as an invoke. */
export interface FunctionDefinition<Client> {
  /** For example `pbs:index:getSnapshots`. */
  readonly token: string;
  readonly inputs: z.ZodObject;
  /** What it returns, for the package's schema. */
  readonly outputs?: z.ZodObject;
  run(client: Client, inputs: Properties, signal: AbortSignal): Promise<object>;
}

/** Declares a function. It is called only with inputs that its own schema has parsed. */
export function defineFunction<Client, Inputs extends z.ZodObject, Outputs extends z.ZodObject>(definition: {
  readonly token: string;
  readonly inputs: Inputs;
  readonly outputs: Outputs;
  run(client: Client, inputs: z.output<Inputs>, signal: AbortSignal): Promise<z.output<Outputs>>;
}): FunctionDefinition<Client> {
  return definition as unknown as FunctionDefinition<Client>;
}

/** A whole provider: what its configuration is, how it connects, and what it offers. */
export interface ProviderDefinition<Client, Config> {
  /** The package name, for example `pbs`. */
  readonly name: string;
  /** A semantic version. */
  readonly version: string;
  readonly config: z.ZodObject & z.ZodType<Config>;
  /** Must not fail because the server is away: a preview needs no server. */
  connect(config: Config): Client;
  readonly resources: readonly AnyResource<Client>[];
  readonly functions?: readonly FunctionDefinition<Client>[];
  /** Makes the package's schema as JSON text, for `pulumi package get-schema`. */
  readonly schema?: () => Promise<string>;
}

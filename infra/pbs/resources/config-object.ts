import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { type AnyResource, type Call, defineResource, type Failure } from "../../provider/resource.ts";
import type { Properties } from "../../provider/values.ts";
import type { Answer, ConfigFile, Parameters, PbsClient, Scalar } from "../client.ts";
import { existsAlready, isConflict, isGone } from "../error.ts";
import { awaitTask, isUpid } from "../tasks.ts";
import { coerce, defaultsOf, toKebab } from "./properties.ts";

/** How a property is written where the server does not take its value as it is. */
export interface Codec {
  toServer(value: unknown): Scalar;
  fromServer(value: unknown): unknown;
}

/** A kind of object in one of the server's configuration files, all of which are handled alike. */
export interface ConfigObject<Shape extends z.ZodRawShape> {
  readonly token: string;
  /** In words, for messages: "prune job". */
  readonly kind: string;
  readonly file: ConfigFile;
  readonly inputs: z.ZodObject<Shape>;
  readonly checkTogether?: (inputs: z.output<z.ZodObject<Shape>>) => readonly Failure[];
  /** Properties that make up the id: they are given on creation and never change. */
  readonly identity: readonly (keyof Shape & string)[];
  /** Other properties that cannot change in place. */
  readonly immutable?: readonly (keyof Shape & string)[];
  readonly deleteBeforeReplace?: boolean;
  /** Properties that the server never shows: they are taken as they were recorded. */
  readonly unreadable?: readonly (keyof Shape & string)[];
  /** Properties among those that `update` sends nowhere. */
  readonly codecs?: Readonly<Record<string, Codec>>;
  /** Names at the server that differ from ours by more than the case. */
  readonly names?: Readonly<Record<string, string>>;
  readonly secretOutputs?: readonly string[];
  /** The outputs that are no inputs. */
  readonly outputs?: z.ZodObject;
  readonly notesOnPreview?: NonNullable<AnyResource<PbsClient>["notesOnPreview"]>;

  idOf(inputs: z.output<z.ZodObject<Shape>>): string;
  /** Where an object is created, and with which of the identity's parameters beside the other properties. */
  createAt(inputs: z.output<z.ZodObject<Shape>>): { readonly path: string; readonly parameters: Parameters };
  /** Where an object is read, changed and deleted. @throws Error when the id is not one of this kind */
  itemPath(id: string): string;
  /** The identity that an id stands for. */
  identityOf(id: string): Partial<z.output<z.ZodObject<Shape>>>;
  deleteParameters?(inputs: Partial<z.output<z.ZodObject<Shape>>>): Parameters;
  /** What creation gives back beside the inputs. */
  outputsOf?(created: unknown, warnings: readonly string[]): Properties;
  /** The outputs after a read, which shows only part of them. */
  outputsAfterRead?(id: string, recorded: Properties): Properties;
  /** Refuses an update that the server could not carry out. */
  refuseUpdate?(recorded: Properties, wanted: Properties): string | undefined;
}

// Somebody else's change to another object of the same file is no conflict with ours.
const conflictRetries = 3;

/** A resource type for objects of a configuration file. */
export function configResource<Shape extends z.ZodRawShape>(
  object: ConfigObject<Shape>,
): AnyResource<PbsClient> {
  const shape = object.inputs.shape as unknown as Record<string, z.ZodType>;
  const fixed = new Set<string>([...object.identity, ...(object.unreadable ?? [])]);
  const mutable = Object.keys(shape).filter((name) => !fixed.has(name));
  const defaults = defaultsOf(shape);
  const nameOf = (property: string) => object.names?.[property] ?? toKebab(property);
  const encode = (property: string, value: unknown) =>
    (value === undefined ? undefined : (object.codecs?.[property]?.toServer(value) ?? value)) as
      | Scalar
      | undefined;

  const decode = (data: unknown): Properties => {
    const found: Properties = {};
    for (const property of mutable) {
      const value = (data as Properties)[nameOf(property)];
      const type = shape[property] ?? z.unknown();
      const read = value === undefined ? undefined : (object.codecs?.[property]?.fromServer(value) ?? value);
      const known = read === undefined ? defaults[property] : coerce(type, read);
      if (known !== undefined) found[property] = known;
    }
    return found;
  };

  const fetch = async ({ client, signal }: Call<PbsClient>, id: string): Promise<Answer | undefined> => {
    try {
      return await client.get(object.itemPath(id), {}, signal);
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
  };

  const finish = async ({ client, signal, timeoutSeconds }: Call<PbsClient>, data: unknown) =>
    isUpid(data) ? (await awaitTask(client, data, { signal, timeoutSeconds })).warnings : [];

  return defineResource<PbsClient, Shape, Properties>({
    token: object.token,
    inputs: object.inputs,
    ...(object.checkTogether ? { checkTogether: object.checkTogether } : {}),
    replaceOn: [...object.identity, ...(object.immutable ?? [])],
    deleteBeforeReplace: object.deleteBeforeReplace ?? false,
    secretOutputs: object.secretOutputs ?? [],
    ...(object.outputs ? { outputs: object.outputs } : {}),
    ...(object.notesOnPreview ? { notesOnPreview: object.notesOnPreview } : {}),

    async create(call, inputs) {
      const { path, parameters } = object.createAt(inputs);
      const values: Record<string, Parameters[string]> = { ...parameters };
      for (const property of mutable)
        values[nameOf(property)] = encode(property, (inputs as Properties)[property]);
      const id = object.idOf(inputs);
      return call.client.exclusive(object.file, async () => {
        try {
          const { data } = await call.client.post(path, values, call.signal);
          const warnings = await finish(call, data);
          return { id, outputs: object.outputsOf?.(data, warnings) ?? {} };
        } catch (error) {
          if (!existsAlready(error)) throw error;
          throw new Error(
            `${object.kind} ${id} exists already on ${call.client.url}: bring it under Pulumi with ` +
              `\`pulumi import ${object.token} NAME '${id}'\`, or choose another name`,
            { cause: error },
          );
        }
      });
    },

    async read(call, id, recorded) {
      const answer = await fetch(call, id);
      if (!answer) return undefined;
      const unreadable = Object.fromEntries(
        (object.unreadable ?? []).map((name) => [
          name,
          (recorded.inputs as Properties)[name] ?? defaults[name],
        ]),
      );
      const inputs = { ...unreadable, ...object.identityOf(id), ...decode(answer.data) };
      return {
        inputs: inputs as z.input<z.ZodObject<Shape>>,
        outputs: object.outputsAfterRead?.(id, recorded.outputs) ?? {},
      };
    },

    async update(call, id, recorded, wanted) {
      const refusal = object.refuseUpdate?.(recorded.inputs, wanted);
      if (refusal !== undefined) throw new Error(refusal);
      await call.client.exclusive(object.file, async () => {
        let first: Properties | undefined;
        for (let attempt = 0; ; attempt++) {
          const answer = await fetch(call, id);
          if (!answer) {
            throw new Error(`${object.kind} ${id} is gone from ${call.client.url}: run \`pulumi refresh\``);
          }
          const now = decode(answer.data);
          first ??= now;
          const changes = changesBetween(now, wanted, mutable, nameOf, encode);
          if (!changes) return;
          try {
            await call.client.put(object.itemPath(id), { ...changes, digest: answer.digest }, call.signal);
            return;
          } catch (error) {
            if (!isConflict(error)) throw error;
            const after = await fetch(call, id);
            if (attempt < conflictRetries && after && isDeepStrictEqual(decode(after.data), first)) continue;
            throw new Error(
              `${object.kind} ${id} was changed by somebody else while it was being updated, so nothing was written: ` +
                "run `pulumi refresh` to see what changed, then `pulumi up`",
              { cause: error },
            );
          }
        }
      });
      return { ...recorded.outputs };
    },

    async delete(call, id, recorded) {
      await call.client.exclusive(object.file, async () => {
        try {
          const parameters = object.deleteParameters?.(recorded.inputs) ?? {};
          const { data } = await call.client.delete(object.itemPath(id), parameters, call.signal);
          await finish(call, data);
        } catch (error) {
          if (!isGone(error)) throw error;
        }
      });
    },
  });
}

function changesBetween(
  now: Properties,
  wanted: Properties,
  properties: readonly string[],
  nameOf: (property: string) => string,
  encode: (property: string, value: unknown) => Scalar | undefined,
): Parameters | undefined {
  const changed = properties.filter((property) => !isDeepStrictEqual(now[property], wanted[property]));
  if (changed.length === 0) return undefined;
  const set = changed.filter((property) => wanted[property] !== undefined);
  const removed = changed.filter((property) => wanted[property] === undefined);
  return {
    ...Object.fromEntries(set.map((property) => [nameOf(property), encode(property, wanted[property])])),
    delete: removed.map(nameOf),
  };
}

import type { z } from "zod";
import { type AnyResource, type Call, defineResource, type Failure } from "../../provider/resource.ts";
import type { Properties } from "../../provider/values.ts";
import type { ConfigFile, Parameters, PbsClient } from "../client.ts";
import { existsAlready, isGone } from "../error.ts";
import { awaitTask, isUpid } from "../tasks.ts";
import { changeObject, fetchObject } from "./change.ts";
import { defaultsOf } from "./properties.ts";
import { type PropertyRules, propertyMap } from "./property-map.ts";

/** A kind of object in one of the server's configuration files, all of which are handled alike. */
export interface ConfigObject<Shape extends z.ZodRawShape>
  extends Pick<PropertyRules, "codecs" | "names" | "serverDefaults"> {
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
  /** Properties that the server can set and change, but not remove. */
  readonly unremovable?: readonly (keyof Shape & string)[];
  readonly deleteBeforeReplace?: AnyResource<PbsClient>["deleteBeforeReplace"];
  /** Properties that count on creation or deletion only and are kept as they were recorded. */
  readonly unreadable?: readonly (keyof Shape & string)[];
  /** See {@link PropertyRules}. */
  readonly writeOnly?: readonly (keyof Shape & string)[];
  /** See {@link PropertyRules}. */
  readonly presumed?: readonly (keyof Shape & string)[];
  /** See {@link PropertyRules}. */
  readonly leftAlone?: readonly (keyof Shape & string)[];
  /** Secret outputs beside the properties that are write-only. */
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

/** A resource type for objects of a configuration file. */
export function configResource<Shape extends z.ZodRawShape>(
  object: ConfigObject<Shape>,
): AnyResource<PbsClient> {
  const shape = object.inputs.shape as unknown as Record<string, z.ZodType>;
  const defaults = defaultsOf(shape);
  const properties = propertyMap({
    ...object,
    shape,
    fixed: [...object.identity, ...(object.unreadable ?? [])],
  });
  const unremovable: ReadonlySet<string> = new Set(object.unremovable);

  const finish = async ({ client, signal, timeoutSeconds }: Call<PbsClient>, data: unknown) =>
    isUpid(data) ? (await awaitTask(client, data, { signal, timeoutSeconds })).warnings : [];

  return defineResource<PbsClient, Shape, Properties>({
    token: object.token,
    inputs: object.inputs,
    ...(object.checkTogether ? { checkTogether: object.checkTogether } : {}),
    replaceOn: [...object.identity, ...(object.immutable ?? [])],
    replaceWhen: (property, _, wanted) => wanted === undefined && unremovable.has(property),
    sameValue: properties.same,
    deleteBeforeReplace: object.deleteBeforeReplace ?? false,
    secretOutputs: [...(object.writeOnly ?? []), ...(object.secretOutputs ?? [])],
    ...(object.outputs ? { outputs: object.outputs } : {}),
    ...(object.notesOnPreview ? { notesOnPreview: object.notesOnPreview } : {}),

    async create(call, inputs) {
      const { path, parameters } = object.createAt(inputs);
      const values = { ...parameters, ...properties.encode(inputs) };
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
      const answer = await fetchObject(call, object.itemPath(id));
      if (!answer) return undefined;
      const unreadable = Object.fromEntries(
        (object.unreadable ?? []).map((name) => [
          name,
          (recorded.inputs as Properties)[name] ?? defaults[name],
        ]),
      );
      const inputs = {
        ...unreadable,
        ...properties.unseen(recorded.inputs),
        ...object.identityOf(id),
        ...properties.decode(answer.data, recorded.inputs),
      };
      return {
        inputs: inputs as z.input<z.ZodObject<Shape>>,
        outputs: object.outputsAfterRead?.(id, recorded.outputs) ?? {},
      };
    },

    async update(call, id, recorded, wanted) {
      const refusal = object.refuseUpdate?.(recorded.inputs, wanted);
      if (refusal !== undefined) throw new Error(refusal);
      await changeObject(call, {
        what: `${object.kind} ${id}`,
        file: object.file,
        path: object.itemPath(id),
        view: (data) => properties.decode(data, recorded.inputs, wanted),
        plan: (now) => properties.changes(now, recorded.inputs, wanted),
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

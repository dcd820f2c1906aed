import type { z } from "zod";
import { type AnyResource, defineResource } from "../../../infra/provider/resource.ts";
import type { Aws } from "./config.ts";

type SettingShape = z.ZodRawShape & { bucket: z.ZodString };

/** A resource that is one setting of a bucket: putting it creates and changes it. */
export interface BucketSetting<Shape extends SettingShape> {
  readonly token: string;
  readonly inputs: z.ZodObject<Shape>;
  readonly sameValue?: (property: string, recorded: unknown, wanted: unknown) => boolean;
  put(aws: Aws, wanted: z.output<z.ZodObject<Shape>>): Promise<unknown>;
  /** The setting as it is, without `bucket`; undefined where it (or the bucket) does not exist. */
  get(
    aws: Aws,
    bucket: string,
    recorded: Partial<z.output<z.ZodObject<Shape>>>,
  ): Promise<Omit<z.input<z.ZodObject<Shape>>, "bucket"> | undefined>;
  remove(aws: Aws, bucket: string): Promise<unknown>;
}

/** Declares a setting of a bucket; its id is the bucket's name. A bucket that is gone has no settings to delete. */
export function bucketSetting<Shape extends SettingShape>(setting: BucketSetting<Shape>): AnyResource<Aws> {
  return defineResource<Aws, Shape, object>({
    token: setting.token,
    inputs: setting.inputs,
    replaceOn: ["bucket"],
    deleteBeforeReplace: true,
    ...(setting.sameValue ? { sameValue: setting.sameValue } : {}),
    create: async ({ client }, wanted) => {
      await setting.put(client, wanted);
      return { id: bucketOf(wanted), outputs: { region: client.region } };
    },
    read: async ({ client }, id, recorded) => {
      const found = await ignoring("NoSuchBucket", setting.get(client, id, recorded.inputs));
      if (found === undefined) return undefined;
      return {
        inputs: { ...found, bucket: id } as unknown as z.input<z.ZodObject<Shape>>,
        outputs: { region: client.region },
      };
    },
    update: async ({ client }, _id, _recorded, wanted) => {
      await setting.put(client, wanted);
      return { region: client.region };
    },
    delete: async ({ client }, id) => {
      await ignoring("NoSuchBucket", setting.remove(client, id));
    },
  });
}

function bucketOf(inputs: object): string {
  return (inputs as { bucket: string }).bucket;
}

async function ignoring<T>(name: string, call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof Error && error.name === name) return undefined;
    throw error;
  }
}

import { z } from "zod";
import { type AnyResource, defineResource } from "../../../infra/provider/resource.ts";
import { type Aws, regionSchema } from "./config.ts";

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

/**
 * Declares a setting of a bucket; its id is the bucket's name. It may be in a region of its own, as the bucket. A bucket
 * that is gone has no settings to delete.
 */
export function bucketSetting<Shape extends SettingShape>(setting: BucketSetting<Shape>): AnyResource<Aws> {
  type Wanted = z.output<z.ZodObject<Shape>>;
  return defineResource<Aws, z.ZodRawShape, object>({
    token: setting.token,
    inputs: z.object({ ...setting.inputs.shape, region: regionSchema }),
    replaceOn: ["bucket", "region"],
    deleteBeforeReplace: true,
    ...(setting.sameValue ? { sameValue: setting.sameValue } : {}),
    create: async ({ client }, wanted) => {
      const { bucket, region } = placeOf(wanted);
      const aws = client.inRegion(region);
      await setting.put(aws, wanted as Wanted);
      return { id: bucket ?? "", outputs: { region: aws.region } };
    },
    read: async ({ client }, id, recorded) => {
      const { region } = placeOf(recorded.inputs);
      const aws = client.inRegion(region);
      const found = await ignoring("NoSuchBucket", setting.get(aws, id, recorded.inputs as Partial<Wanted>));
      if (found === undefined) return undefined;
      return {
        inputs: { ...found, bucket: id, ...(region === undefined ? {} : { region }) },
        outputs: { region: aws.region },
      };
    },
    update: async ({ client }, _id, _recorded, wanted) => {
      const aws = client.inRegion(placeOf(wanted).region);
      await setting.put(aws, wanted as Wanted);
      return { region: aws.region };
    },
    delete: async ({ client }, id, recorded) => {
      const aws = client.inRegion(placeOf(recorded.inputs).region);
      await ignoring("NoSuchBucket", setting.remove(aws, id));
    },
  });
}

function placeOf(inputs: object): { readonly bucket?: string; readonly region?: string } {
  return inputs;
}

async function ignoring<T>(name: string, call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof Error && error.name === name) return undefined;
    throw error;
  }
}

import { IAMClient } from "@aws-sdk/client-iam";
import { KMSClient } from "@aws-sdk/client-kms";
import { S3Client } from "@aws-sdk/client-s3";
import { SNSClient } from "@aws-sdk/client-sns";
import { z } from "zod";

const endpointsSchema = z.strictObject({
  s3: z.url().optional(),
  iam: z.url().optional(),
  kms: z.url().optional(),
  sns: z.url().optional(),
  sts: z.url().optional(),
});

/** The provider configuration that the stand-in takes. The checks that it could skip are never made. */
export const awsConfigSchema = z.strictObject({
  region: z.string().optional(),
  accessKey: z.string().optional(),
  secretKey: z.string().optional(),
  endpoints: z.array(endpointsSchema).optional(),
  s3UsePathStyle: z.boolean().optional(),
  skipCredentialsValidation: z.boolean().optional(),
  skipMetadataApiCheck: z.boolean().optional(),
  skipRequestingAccountId: z.boolean().optional(),
  skipRegionValidation: z.boolean().optional(),
  defaultTags: z.strictObject({ tags: z.record(z.string(), z.string()).optional() }).optional(),
  allowedAccountIds: z.array(z.string()).optional(),
  version: z.string().optional(),
});

/** See {@link awsConfigSchema}. */
export type AwsConfig = z.infer<typeof awsConfigSchema>;

/** Connections, each made when it is first needed: a preview needs none. */
export interface Aws {
  readonly s3: S3Client;
  readonly iam: IAMClient;
  readonly kms: KMSClient;
  readonly sns: SNSClient;
  readonly region: string;
  readonly defaultTags: Record<string, string>;
  /** The same account in another region; the provider's own where none is given. */
  inRegion(region: string | undefined): Aws;
}

/** Every regional resource may state a region of its own; it can never move. */
export const regionSchema = z.string().optional();

/** Connects to the endpoints of the configuration and to nothing else. */
export function connectAws(config: AwsConfig): Aws {
  const connections = new Map<string, Aws>();
  const own = config.region ?? "us-east-1";
  const inRegion = (region = own): Aws => {
    const found = connections.get(region) ?? connectIn(region, config, inRegion);
    connections.set(region, found);
    return found;
  };
  return inRegion(own);
}

function connectIn(region: string, config: AwsConfig, inRegion: Aws["inRegion"]): Aws {
  const endpoints = Object.assign({}, ...(config.endpoints ?? [])) as z.infer<typeof endpointsSchema>;
  const common = (service: "s3" | "iam" | "kms" | "sns") => {
    const endpoint = endpoints[service];
    // The SDK would go to the real AWS with whatever credentials this machine has.
    if (endpoint === undefined) {
      throw new Error(
        `the aws stand-in has no endpoint for ${service}: set endpoints[0].${service} of the provider (it never contacts AWS)`,
      );
    }
    if (config.accessKey === undefined || config.secretKey === undefined) {
      throw new Error("the aws stand-in needs accessKey and secretKey of the provider");
    }
    const credentials = { accessKeyId: config.accessKey, secretAccessKey: config.secretKey };
    return { region, endpoint, credentials };
  };
  const s3 = once(() => new S3Client({ ...common("s3"), forcePathStyle: config.s3UsePathStyle ?? false }));
  const iam = once(() => new IAMClient(common("iam")));
  const kms = once(() => new KMSClient(common("kms")));
  const sns = once(() => new SNSClient(common("sns")));
  return {
    region,
    inRegion,
    defaultTags: config.defaultTags?.tags ?? {},
    get s3() {
      return s3();
    },
    get iam() {
      return iam();
    },
    get kms() {
      return kms();
    },
    get sns() {
      return sns();
    },
  };
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** Runs a read; undefined where AWS answers with one of these error names. */
export async function unlessMissing<T>(names: readonly string[], read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof Error && names.includes(error.name)) return undefined;
    throw error;
  }
}

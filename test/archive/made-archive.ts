import tls from "node:tls";
import { PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Stack } from "@pulumi/pulumi/automation/index.js";
import { Archive } from "../../infra/archive/archive.ts";
import { parseSite } from "../../infra/site.ts";
import { awsProvider } from "../../rehearsal/providers/aws/provider.ts";
import { testStack } from "../../rehearsal/providers/testing.ts";
import { type Credentials, startAws, type TestAws } from "../../rehearsal/s3/proxy-testing.ts";
import lab from "../../stacks/lab.ts";

const base = parseSite(lab()).archive;

/** The lab's own archive, with a second writer and a copy of the dumps in another region. */
export const archive: typeof base = {
  ...base,
  buckets: {
    ...base.buckets,
    dumps: {
      ...base.buckets.dumps,
      writers: ["proj-pg01", "proj-pg02"],
      replicateTo: { region: "eu-west-1", name: "radioastronomy-lab-dumps-copy" },
    },
  },
};

/** The bucket of dumps. */
export const Bucket = archive.buckets.dumps.name;
/** An object of the writer. */
export const own = { Bucket, Key: "proj-pg01/run/dump" };
/** An object of the other writer. */
export const others = { Bucket, Key: "proj-pg02/run/dump" };

/** The archive as the engine made it on a server of its own, with an object of each writer. */
export interface MadeArchive {
  readonly server: TestAws;
  readonly stack: Stack;
  readonly admin: S3Client;
  readonly writer: S3Client;
  readonly reader: S3Client;
  readonly ownVersion: string | undefined;
  readonly othersVersion: string | undefined;
  close(): Promise<void>;
}

/** Makes it with the real engine. */
export async function makeArchive(engine: string, motoServer: string): Promise<MadeArchive> {
  const server = await startAws(motoServer);
  try {
    return await makeArchiveOn(server, engine);
  } catch (error) {
    await server.close();
    throw error;
  }
}

async function makeArchiveOn(server: TestAws, engine: string): Promise<MadeArchive> {
  // The stand-in runs in this process.
  tls.setDefaultCACertificates([...tls.getCACertificates("default"), server.authority.certPem]);
  const { stack, close } = await testStack(engine, awsProvider, async () => program(server));
  const { outputs } = await stack.up();
  const { writers, reader } = (outputs.keys?.value ?? {}) as {
    writers: Record<string, Credentials>;
    reader: Credentials;
  };
  const clientOf = (name: string) => server.s3(writers[name] ?? { accessKeyId: "", secretAccessKey: "" });
  const writer = clientOf("dumps/proj-pg01");
  const theirs = new PutObjectCommand({ ...others, Body: "theirs" });
  const { VersionId: othersVersion } = await clientOf("dumps/proj-pg02").send(theirs);
  const { VersionId: ownVersion } = await writer.send(new PutObjectCommand({ ...own, Body: "first" }));
  return {
    server,
    stack,
    admin: server.s3(),
    writer,
    reader: server.s3(reader),
    ownVersion,
    othersVersion,
    close: async () => {
      await close();
      await server.close();
    },
  };
}

function program({ url, root, region }: TestAws) {
  const provider = new aws.Provider("archive", {
    region: region as aws.Region,
    accessKey: root.accessKeyId,
    secretKey: root.secretAccessKey,
    s3UsePathStyle: true,
    endpoints: [{ s3: url, iam: url, kms: url, sns: url, sts: url }],
    defaultTags: { tags: { site: "lab" } },
  });
  const made = new Archive(
    "archive",
    { siteName: "lab", archive, disposable: true },
    { providers: [provider] },
  );
  const credentials = ({ id, secret }: typeof made.reader) => ({ accessKeyId: id, secretAccessKey: secret });
  return {
    keys: pulumi.secret({
      writers: Object.fromEntries([...made.writers].map(([name, key]) => [name, credentials(key)])),
      reader: credentials(made.reader),
    }),
  };
}

import { createHash, randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { CreateAccessKeyCommand, CreateUserCommand, PutUserPolicyCommand } from "@aws-sdk/client-iam";
import {
  CreateBucketCommand,
  PutBucketVersioningCommand,
  PutObjectLockConfigurationCommand,
} from "@aws-sdk/client-s3";
import { type PolicyDocument, putOnly, readOnly } from "../../infra/archive/policies.ts";
import type { Credentials, TestAws } from "../../rehearsal/s3/proxy-testing.ts";
import { runCli } from "../../scripts/cli.ts";
import type { DbkeeperConfig } from "../../scripts/config.ts";
import { writeManifest } from "../../scripts/runs/manifest.ts";
import { runsFolder } from "../../scripts/runs/runs.ts";
import { temporaryFolder } from "../../scripts/testing/cluster.ts";
import { entryFor, manifestFor, validationFor } from "../../scripts/testing/manifests.ts";

/** The prefix that the writer may put under. */
export const writerName = "proj-pg01";

const keyArn = "arn:aws:kms:eu-central-1:123456789012:key/none";

/** A bucket that keeps versions, and, where `lockDays` are given, locks each for so long. */
export async function makeBucket(aws: TestAws, name: string, lockDays?: number): Promise<string> {
  const s3 = aws.s3();
  const ObjectLockEnabledForBucket = lockDays !== undefined;
  await s3.send(new CreateBucketCommand({ Bucket: name, ObjectLockEnabledForBucket }));
  const VersioningConfiguration = { Status: "Enabled" as const };
  await s3.send(new PutBucketVersioningCommand({ Bucket: name, VersioningConfiguration }));
  if (lockDays !== undefined) {
    const Rule = { DefaultRetention: { Mode: "GOVERNANCE" as const, Days: lockDays } };
    const ObjectLockConfiguration = { ObjectLockEnabled: "Enabled" as const, Rule };
    await s3.send(new PutObjectLockConfigurationCommand({ Bucket: name, ObjectLockConfiguration }));
  }
  return name;
}

/** The writer that infra makes for the first of these buckets, and the reader of all. */
export async function makeUsers(
  aws: TestAws,
  buckets: readonly [string, ...string[]],
): Promise<{ writer: Credentials; reader: Credentials }> {
  const arns = buckets.map((bucket) => `arn:aws:s3:::${bucket}`);
  return {
    writer: await userWith(aws, "writer", putOnly(arns[0] ?? "", writerName, keyArn)),
    reader: await userWith(aws, "reader", readOnly(arns, [keyArn])),
  };
}

async function userWith(aws: TestAws, UserName: string, document: PolicyDocument): Promise<Credentials> {
  await aws.iam().send(new CreateUserCommand({ UserName }));
  const PolicyDocument = JSON.stringify(document);
  await aws.iam().send(new PutUserPolicyCommand({ UserName, PolicyName: "archive", PolicyDocument }));
  const { AccessKey } = await aws.iam().send(new CreateAccessKeyCommand({ UserName }));
  return { accessKeyId: AccessKey?.AccessKeyId ?? "", secretAccessKey: AccessKey?.SecretAccessKey ?? "" };
}

/** dbkeeper on a host of its own. */
export interface Host {
  folder: string;
  /** Folder of the runs. */
  runs: string;
  configFile: string;
  /** Runs a command in this process. */
  run(...argv: string[]): Promise<{ code: number; output: string }>;
  /** Writes the configuration anew with other settings of `archive`. */
  configure(archive: Partial<NonNullable<DbkeeperConfig["archive"]>>): Promise<void>;
}

/** What a {@link Host} is made of. */
export interface HostSetup {
  archive: Pick<NonNullable<DbkeeperConfig["archive"]>, "bucket" | "endpoint" | "caFile">;
  writer: Credentials;
  /** Default none. */
  reader?: Credentials;
  /** Default a folder of its own. */
  directory?: string;
}

export async function makeHost({ archive, writer, reader, directory }: HostSetup): Promise<Host> {
  const folder = await temporaryFolder();
  const backup = directory ?? join(folder, "backup");
  const configFile = join(folder, "config.json");
  const write = async (name: string, content: object) => {
    await writeFile(join(folder, name), JSON.stringify(content), { mode: 0o600 });
    return join(folder, name);
  };
  const base: NonNullable<DbkeeperConfig["archive"]> = {
    ...archive,
    prefix: writerName,
    region: "eu-central-1",
    credentialsFile: await write("writer.json", writer),
    ...(reader === undefined ? {} : { readerCredentialsFile: await write("reader.json", reader) }),
    partBytes: 5 * 1024 ** 2,
    // One after the other, so that a test knows which part comes when.
    connections: 1,
  };
  const configure: Host["configure"] = async (more) => {
    const config: DbkeeperConfig = {
      cluster: { name: "pg01", role: "keeper" },
      directory: backup,
      metricsFile: join(folder, "dbkeeper.prom"),
      minimumFreeBytes: 0,
      archive: { ...base, ...more },
    };
    await writeFile(configFile, JSON.stringify(config));
  };
  await configure({});
  return {
    folder,
    runs: runsFolder(backup, "pg01"),
    configFile,
    configure,
    async run(...argv) {
      let output = "";
      const sink = {
        write(text: string) {
          output += text;
        },
      };
      const { signal } = new AbortController();
      const code = await runCli([...argv, "--config", configFile, "--json"], {
        out: sink,
        err: sink,
        signal,
      });
      return { code, output };
    },
  };
}

/** Sizes of the files of a run of two objects: one in three parts, and a tar. */
export const mixed = {
  "large.dump": 12 * 1024 ** 2,
  "a/toc.dat": 4_000_000,
  "a/1.dat": 200_000,
  "globals.sql": 1000,
};

/** Writes a validated run with random content. */
export async function makeRun(
  host: Host,
  id: string,
  sizes: Readonly<Record<string, number>>,
): Promise<void> {
  const files = [];
  for (const [file, sizeBytes] of Object.entries(sizes)) {
    const content = randomBytes(sizeBytes);
    await mkdir(dirname(join(host.runs, id, file)), { recursive: true });
    await writeFile(join(host.runs, id, file), content);
    files.push({ file, sizeBytes, sha256: createHash("sha256").update(content).digest("hex") });
  }
  const globals = files.pop();
  if (globals === undefined) throw new Error("a run has at least its globals");
  const time = id.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, "$1-$2-$3T$4:$5:$6.000Z");
  await writeManifest(
    join(host.runs, id),
    manifestFor({
      startedAt: time,
      finishedAt: time,
      databases: files.map((file) => ({ ...entryFor(file.file), files: [file] })),
      globals,
      validation: validationFor("restore", "passed", ["large.dump"]),
    }),
  );
}

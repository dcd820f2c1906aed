import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  IAMClient,
  PutUserPolicyCommand,
} from "@aws-sdk/client-iam";
import { KMSClient } from "@aws-sdk/client-kms";
import { CreateBucketCommand, S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import { SNSClient } from "@aws-sdk/client-sns";
import { STSClient } from "@aws-sdk/client-sts";
import { writeJson } from "../lib/files.ts";
import { type CertificateAuthority, openCertificateAuthority, serverCertificate } from "../lib/tls.ts";

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** The S3 server as the rehearsal runs it: behind the proxy that enforces what AWS enforces. */
export interface TestAws {
  readonly url: string;
  readonly plainUrl: string;
  readonly authority: CertificateAuthority;
  readonly root: Credentials;
  readonly region: string;
  /** Standard error of the process so far. */
  readonly log: () => string;
  s3(credentials?: Credentials, options?: S3ClientConfig): S3Client;
  iam(): IAMClient;
  kms(credentials?: Credentials): KMSClient;
  sns(): SNSClient;
  sts(credentials?: Credentials): STSClient;
  /** Sets the simulated clock forward. */
  advance(seconds: number): Promise<void>;
  restart(signal?: "SIGTERM" | "SIGKILL"): Promise<void>;
  /** Ends the process and removes its folder. */
  close(): Promise<void>;
}

/** Starts it on free ports in a folder of its own. */
export async function startAws(motoServer: string, region = "eu-central-1"): Promise<TestAws> {
  const folder = await mkdtemp(join(tmpdir(), "aws-"));
  const authority = await openCertificateAuthority(join(folder, "tls"));
  const certificate = await serverCertificate(authority, join(folder, "tls"), {
    name: "s3",
    ipAddresses: ["127.0.0.1"],
    dnsNames: ["localhost"],
  });
  const root = { accessKeyId: "AKIAROOTROOTROOTROOT", secretAccessKey: "root-secret-of-the-test" };
  await writeJson(join(folder, "root.json"), root, { mode: 0o600 });
  const args = [
    "--moto-server",
    motoServer,
    "--folder",
    join(folder, "s3"),
    "--root-file",
    join(folder, "root.json"),
    "--cert",
    certificate.certPath,
    "--key",
    certificate.keyPath,
  ];
  let running = await start(args);
  const httpsAgent = new Agent({ ca: authority.certPem });
  const common = (credentials: Credentials) => ({
    region,
    endpoint: running.url,
    credentials,
    requestHandler: { httpsAgent },
  });
  return {
    get url() {
      return running.url;
    },
    get plainUrl() {
      return running.plainUrl;
    },
    authority,
    root,
    region,
    log: () => running.log(),
    s3: (credentials = root, options = {}) =>
      new S3Client({ ...common(credentials), forcePathStyle: true, ...options }),
    iam: () => new IAMClient(common(root)),
    kms: (credentials = root) => new KMSClient(common(credentials)),
    sns: () => new SNSClient(common(root)),
    sts: (credentials = root) => new STSClient(common(credentials)),
    advance: async (seconds) => {
      const status = await new Promise<number>((resolve, reject) => {
        const headers = {
          authorization: `Bearer ${root.secretAccessKey}`,
          "content-type": "application/json",
        };
        const outgoing = request(
          `${running.url}/_sim/clock`,
          { method: "POST", agent: httpsAgent, headers },
          (response) => {
            response.resume().once("end", () => resolve(response.statusCode ?? 0));
          },
        );
        outgoing.once("error", reject).end(JSON.stringify({ advanceSeconds: seconds }));
      });
      if (status !== 200) throw new Error(`the clock was answered ${status}`);
    },
    restart: async (signal = "SIGTERM") => {
      await running.end(signal);
      running = await start(args);
    },
    close: async () => {
      httpsAgent.destroy();
      await running.end("SIGTERM");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** An empty bucket, perhaps with object lock; gives its name. */
export async function makeBucket(s3: S3Client, name: string, locked: boolean): Promise<string> {
  await s3.send(new CreateBucketCommand({ Bucket: name, ObjectLockEnabledForBucket: locked }));
  return name;
}

/** A user that may do what the statements say, and the key of it. */
export async function makeUser(
  aws: TestAws,
  name: string,
  ...statements: readonly object[]
): Promise<Credentials> {
  await aws.iam().send(new CreateUserCommand({ UserName: name }));
  const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement: statements });
  await aws.iam().send(new PutUserPolicyCommand({ UserName: name, PolicyName: "p", PolicyDocument }));
  const { AccessKey } = await aws.iam().send(new CreateAccessKeyCommand({ UserName: name }));
  return { accessKeyId: AccessKey?.AccessKeyId ?? "", secretAccessKey: AccessKey?.SecretAccessKey ?? "" };
}

async function start(args: readonly string[]) {
  const child = spawn(process.execPath, [join(import.meta.dirname, "proxy", "main.ts"), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-20_000);
  });
  const ended = once(child, "exit");
  const line = await Promise.race([
    once(createInterface({ input: child.stdout }), "line").then(([text]) => String(text)),
    ended.then(() => {
      throw new Error(`the S3 server ended before it listened:\n${errors}`);
    }),
  ]);
  const { url, plainUrl } = JSON.parse(line) as { url: string; plainUrl: string };
  return {
    url,
    plainUrl,
    log: () => errors,
    end: async (signal: "SIGTERM" | "SIGKILL") => {
      child.kill(signal);
      await ended;
    },
  };
}

import { readFile, stat } from "node:fs/promises";
import { Agent } from "node:https";
import { S3Client } from "@aws-sdk/client-s3";
import * as z from "zod";
import type { Context } from "../context.ts";
import { Failure, messageOf } from "../exit-codes.ts";
import type { ArchiveConfig } from "./config.ts";

/** A bucket and who asks it. */
export interface Store {
  client: S3Client;
  bucket: string;
}

/** The section of the configuration. Fails as `usage` where there is none. */
export function archiveOf({ config }: Pick<Context, "config">): ArchiveConfig {
  if (config.archive === undefined) throw new Failure("usage", "the configuration has no `archive`");
  return config.archive;
}

/** Where a command reads, in place of what the configuration says. */
export interface ReaderOptions {
  /** File with the reader's credentials. */
  reader?: string;
  /** `s3://<bucket>/<prefix>`. */
  from?: string;
  /** Region of the bucket. */
  region?: string;
}

/** A context whose archive is the one that the options name. Fails as `usage` where they cannot be read. */
export function readingFrom(context: Context, { reader, from, region }: ReaderOptions): Context {
  const archive = archiveOf(context);
  const [, bucket, prefix] = /^s3:\/\/([^/]+)\/(.*[^/])\/?$/.exec(from ?? "") ?? [];
  if (from !== undefined && (bucket === undefined || prefix === undefined)) {
    throw new Failure(
      "usage",
      `${JSON.stringify(from)} is no place of an archive; say s3://<bucket>/<prefix>`,
    );
  }
  const place = {
    ...(bucket === undefined ? {} : { bucket }),
    ...(prefix === undefined ? {} : { prefix }),
    ...(region === undefined ? {} : { region }),
    ...(reader === undefined ? {} : { readerCredentialsFile: reader }),
  };
  return { ...context, config: { ...context.config, archive: { ...archive, ...place } } };
}

/** The bucket as its writer sees it: nothing but uploads. The caller destroys the client. */
export function openWriter(archive: ArchiveConfig): Promise<Store> {
  return openStore(archive, archive.credentialsFile);
}

/** The bucket as its reader sees it. Fails as `usage` where there is none. */
export async function openReader(archive: ArchiveConfig): Promise<Store> {
  const file = archive.readerCredentialsFile;
  if (file === undefined) {
    throw new Failure(
      "usage",
      "the writer of the archive can only put: name the file with the reader's credentials by --reader",
    );
  }
  return await openStore(archive, file);
}

/** Runs work on the archive; whatever fails there is `offsite`, except what has a kind of its own. */
export async function offsite<T>(signal: AbortSignal, what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Failure) throw error;
    throw new Failure("offsite", `${what}: ${describeS3(error)}`, { cause: error });
  }
}

/** The name that S3 gives an error, which its message may lack, and what to do about the common ones. */
function describeS3(error: unknown): string {
  const name = error instanceof Error ? error.name : "";
  const advice = /^(InvalidAccessKeyId|SignatureDoesNotMatch|AccessDenied|403)$/.test(name)
    ? "; check the credentials file, the prefix and the rights of its user"
    : "";
  const text = messageOf(error);
  return `${name === "" || name === "Error" || text.includes(name) ? text : `${name}: ${text}`}${advice}`;
}

/** Whether S3 answered with this error. */
export function isS3Error(error: unknown, ...names: readonly string[]): boolean {
  return error instanceof Error && names.includes(error.name);
}

async function openStore(archive: ArchiveConfig, credentialsFile: string): Promise<Store> {
  const { region, endpoint, caFile, bucket } = archive;
  return await offsite(new AbortController().signal, "cannot use the archive", async () => {
    const client = new S3Client({
      region,
      credentials: await readCredentials(credentialsFile),
      maxAttempts: 5,
      requestHandler: {
        connectionTimeout: 10_000,
        socketTimeout: 120_000,
        ...(caFile === undefined
          ? {}
          : { httpsAgent: new Agent({ keepAlive: true, ca: await readFile(caFile, "utf8") }) }),
      },
      ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    });
    return { client, bucket };
  });
}

const credentialsSchema = z.union([
  z.object({ accessKeyId: z.string().min(1), secretAccessKey: z.string().min(1) }),
  // As the stack's outputs have it.
  z
    .object({ id: z.string().min(1), secret: z.string().min(1) })
    .transform(({ id, secret }) => ({ accessKeyId: id, secretAccessKey: secret })),
]);

async function readCredentials(path: string): Promise<z.output<typeof credentialsSchema>> {
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) throw new Error(`${path} can be read by others; chmod 0600 it`);
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, "utf8"));
  } catch {
    // The parser's message may quote the file, which is secret.
    throw new Error(`${path} cannot be read as JSON`);
  }
  const result = credentialsSchema.safeParse(value);
  if (!result.success) throw new Error(`${path} must hold accessKeyId and secretAccessKey`);
  return result.data;
}

import { HeadObjectCommand, type HeadObjectCommandOutput } from "@aws-sdk/client-s3";
import { isS3Error, type Store } from "./client.ts";
import type { ArchivedObject } from "./offsite.ts";

/**
 * Why an object is not what was sent, as far as S3 tells without reading it (this also works in Glacier); `undefined`
 * where all agrees. A service that tells no checksum of an object in parts is believed: each part was confirmed.
 */
export async function headProblem(store: Store, object: ArchivedObject): Promise<string | undefined> {
  try {
    return difference(object, await head(store, object));
  } catch (error) {
    if (isS3Error(error, "NotFound", "NoSuchKey", "NoSuchVersion")) return `${object.key} is missing`;
    throw error;
  }
}

/** The object that lies under a key, where it is known to be the one expected: same size, same checksum. */
export async function adopt(
  store: Store | undefined,
  expected: ArchivedObject,
): Promise<ArchivedObject | undefined> {
  if (store === undefined) return undefined;
  const found = await head(store, expected).catch(() => undefined);
  if (found?.ChecksumSHA256 === undefined || difference(expected, found) !== undefined) return undefined;
  return { ...expected, versionId: found.VersionId ?? null };
}

async function head(
  { client, bucket }: Store,
  { key, versionId }: ArchivedObject,
): Promise<HeadObjectCommandOutput> {
  return await client.send(
    new HeadObjectCommand({
      Bucket: bucket,
      Key: key,
      ChecksumMode: "ENABLED",
      ...(versionId === null ? {} : { VersionId: versionId }),
    }),
  );
}

function difference(
  { key, sizeBytes, checksumSha256, partBytes }: ArchivedObject,
  { ContentLength, ChecksumSHA256 }: HeadObjectCommandOutput,
): string | undefined {
  if (ContentLength !== sizeBytes) return `${key} has ${ContentLength} bytes instead of ${sizeBytes}`;
  if (ChecksumSHA256 === checksumSha256) return undefined;
  if (ChecksumSHA256 === undefined && partBytes !== null) return undefined;
  return `${key} has the checksum ${ChecksumSHA256 ?? "(none)"} instead of ${checksumSha256}`;
}

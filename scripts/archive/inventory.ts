import { gunzipSync } from "node:zlib";
import {
  GetObjectCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
} from "@aws-sdk/client-s3";
import { Failure, messageOf } from "../exit-codes.ts";
import { type Manifest, manifestFrom } from "../runs/manifest.ts";
import type { Store } from "./client.ts";
import { describeObject, type ObjectStatus } from "./object-status.ts";

/** A version of an object in the bucket. */
interface Version {
  key: string;
  versionId: string | null;
  modified: number;
}

/** A run as the archive holds it. */
export interface ArchivedRun {
  id: string;
  /** `undefined` where it cannot be read, see `problem`. */
  manifest: Manifest | undefined;
  /** Why its manifest cannot be read, or that there is none: then the upload was not finished. */
  problem: string | undefined;
  /** Where the manifest itself lies; `undefined` where there is none. */
  manifestStatus: ObjectStatus | undefined;
}

/** Reads which runs of a cluster the archive holds, oldest first. */
export async function listArchived(reader: Store, prefix: string, cluster: string): Promise<ArchivedRun[]> {
  const folder = `${prefix}/${cluster}/`;
  const byRun = new Map<string, Version[]>();
  for (const version of await versionsUnder(reader, folder)) {
    const id = /^(\d{8}T\d{6}Z)\//.exec(version.key.slice(folder.length))?.[1];
    if (id !== undefined) byRun.set(id, [...(byRun.get(id) ?? []), version]);
  }
  const runs: ArchivedRun[] = [];
  for (const [id, versions] of [...byRun].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    runs.push(await readRun(reader, cluster, id, versions));
  }
  return runs;
}

/** One run of the archive. Fails as `preflight` where it is not there. */
export async function findArchived(
  reader: Store,
  prefix: string,
  cluster: string,
  id: string,
): Promise<ArchivedRun> {
  if (!/^\d{8}T\d{6}Z$/.test(id)) {
    throw new Failure(
      "usage",
      `${JSON.stringify(id)} is no name of a run; \`dbkeeper archive list\` has them`,
    );
  }
  const versions = await versionsUnder(reader, `${prefix}/${cluster}/${id}/`);
  if (versions.length > 0) return await readRun(reader, cluster, id, versions);
  throw new Failure(
    "preflight",
    `there is no run ${id} at s3://${reader.bucket}/${prefix}/${cluster}/; \`dbkeeper archive list\` tells what is there`,
  );
}

/** The oldest manifest counts: what is put over a key later hides nothing. */
async function readRun(
  reader: Store,
  cluster: string,
  id: string,
  versions: readonly Version[],
): Promise<ArchivedRun> {
  // Of one key the newest comes first; the times have no more than seconds.
  const manifests = versions
    .toReversed()
    .filter(({ key }) => /\/manifest\.json\.gz(~[0-9a-f]{8})?$/.test(key))
    .toSorted((a, b) => a.modified - b.modified);
  const [oldest] = manifests;
  if (oldest === undefined) {
    const problem = "it has no manifest: its upload was not finished";
    return { id, manifest: undefined, problem, manifestStatus: undefined };
  }
  const manifestStatus = await describeObject(reader, oldest);
  if (manifestStatus.state === "archived" || manifestStatus.state === "restoring") {
    const problem = `its manifest is in ${manifestStatus.storageClass}: \`dbkeeper archive restore ${id}\` asks for it`;
    return { id, manifest: undefined, problem, manifestStatus };
  }
  try {
    const manifest = await readObject(reader, oldest);
    if (manifest.cluster !== cluster) throw new Error(`it is of the cluster ${manifest.cluster}`);
    return { id, manifest, problem: undefined, manifestStatus };
  } catch (error) {
    return { id, manifest: undefined, problem: messageOf(error), manifestStatus };
  }
}

async function readObject({ client, bucket }: Store, { key, versionId }: Version): Promise<Manifest> {
  const { Body } = await client.send(
    new GetObjectCommand({
      Bucket: bucket,
      Key: key,
      ...(versionId === null ? {} : { VersionId: versionId }),
    }),
  );
  const bytes = await Body?.transformToByteArray();
  return manifestFrom(gunzipSync(bytes ?? Buffer.alloc(0)), `s3://${bucket}/${key}`);
}

async function versionsUnder({ client, bucket }: Store, prefix: string): Promise<Version[]> {
  const found: Version[] = [];
  let page: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } | undefined = {};
  while (page !== undefined) {
    const answer: ListObjectVersionsCommandOutput = await client.send(
      new ListObjectVersionsCommand({ Bucket: bucket, Prefix: prefix, ...page }),
    );
    for (const { Key, VersionId, LastModified } of answer.Versions ?? []) {
      const versionId = VersionId === undefined || VersionId === "null" ? null : VersionId;
      if (Key !== undefined) found.push({ key: Key, versionId, modified: LastModified?.getTime() ?? 0 });
    }
    page =
      answer.IsTruncated === true
        ? { KeyMarker: answer.NextKeyMarker, VersionIdMarker: answer.NextVersionIdMarker }
        : undefined;
  }
  return found;
}

import { ListMultipartUploadsCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { listArchived } from "../../../scripts/archive/inventory.ts";
import { describeObject, difference } from "../../../scripts/archive/object-status.ts";
import type { Ground, World } from "./lane.ts";
import type { Picture } from "./picture.ts";

/** What is in the archive; an object that lies there under two keys, because an answer was lost, counts once. */
export async function pictureOfArchive({ s3 }: Ground, { prefix }: World): Promise<Picture> {
  if (s3 === undefined) return new Map();
  const { client } = s3;
  const scope = { Bucket: "dumps", Prefix: `${prefix}/` };
  const { Contents = [] } = await client.send(new ListObjectsV2Command(scope));
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand(scope));
  const nameOf = (key = "") => key.slice(prefix.length).split("~")[0];
  return new Map([
    ...Contents.map(({ Key, Size }): [string, string] => [`object ${nameOf(Key)}`, sizeOf(Key, Size)]),
    ...Uploads.map(({ Key }): [string, string] => [`upload ${nameOf(Key)}`, "open"]),
  ]);
}

function sizeOf(key: string | undefined, size: number | undefined): string {
  return key?.includes("manifest") === true ? "some" : String(size);
}

/** What is wrong with the runs that have a manifest in the archive. */
export async function unsoundArchive({ s3 }: Ground, { prefix }: World): Promise<string[]> {
  if (s3 === undefined) return [];
  const reader = { client: s3.client, bucket: "dumps" };
  const problems: string[] = [];
  for (const { id, manifest } of await listArchived(reader, prefix, "pg01")) {
    for (const object of manifest?.offsite?.objects ?? []) {
      const problem = difference(object, await describeObject(reader, object));
      if (problem !== undefined) problems.push(`run ${id} in the archive: ${problem}`);
    }
  }
  return problems;
}

import * as pulumi from "@pulumi/pulumi";
import type { DbkeeperConfig } from "../../scripts/config.ts";
import type { AccessKey } from "../archive/archive.ts";
import { type HostFile, plainFile } from "../hosts/contribution.ts";
import type { PostgresCluster, Site } from "../site.ts";
import type { Job } from "./jobs.ts";
import { runtimeUser } from "./names.ts";

/** A store that speaks the AWS API but is not AWS. */
export interface ArchiveStore {
  readonly endpoint: string;
  /** PEM of the authority that vouches for it. Absent where a known authority does. */
  readonly certificateAuthority?: string | undefined;
}

/** How the dumps of a cluster get into the archive. */
export interface OffsiteArgs {
  readonly archive: Site["archive"];
  /** A writer of the bucket of dumps: the name that its rights are limited to. */
  readonly writer: string;
  /** Of that writer, which can only put: whoever takes over the host can neither read nor delete what is archived. */
  readonly key: AccessKey;
  readonly store: ArchiveStore | undefined;
}

/** The unit that copies, without its ending. */
export const archiveUnit = "dbkeeper-archive";

const writerFile = "/etc/dbkeeper/archive-writer.json";
const authorityFile = "/etc/dbkeeper/archive-ca.pem";

/** The runtime's part of the configuration for the archive. Locks and classes are the bucket's own. */
export function archiveConfiguration({
  archive,
  writer,
  store,
}: OffsiteArgs): NonNullable<DbkeeperConfig["archive"]> {
  return {
    bucket: archive.buckets.dumps.name,
    prefix: writer,
    region: archive.region,
    ...(store === undefined ? {} : { endpoint: store.endpoint }),
    ...(store?.certificateAuthority === undefined ? {} : { caFile: authorityFile }),
    credentialsFile: writerFile,
  };
}

/** What the configuration names: the writer's key, for the account of the runtime alone, and the store's authority. */
export function archiveFiles({ key, store }: OffsiteArgs): HostFile[] {
  return [
    {
      path: writerFile,
      content: pulumi
        .all([key.id, key.secret])
        .apply(([accessKeyId, secretAccessKey]) => `${JSON.stringify({ accessKeyId, secretAccessKey })}\n`),
      mode: "0400",
      owner: runtimeUser,
      group: runtimeUser,
      sensitive: true,
    },
    ...(store?.certificateAuthority === undefined
      ? []
      : [plainFile(authorityFile, store.certificateAuthority)]),
  ];
}

/**
 * Copies what is proven and not yet off-site. A good run of dumps starts it by itself; the timer takes up what was
 * interrupted, or was made while the archive could not be reached.
 */
export function archiveJob({ name, dump }: PostgresCluster): Job {
  return {
    name: archiveUnit,
    description: "Copy proven dumps to the archive",
    command: "archive --all",
    schedule: "*-*-* 00/6:30:00 UTC",
    spreadSeconds: 600,
    // A whole month of dumps over a slow line; what was sent by then is not sent again.
    limitMinutes: 720,
    after: ["dbkeeper.service"],
    onceThereIs: `${dump.directory}/full/${name}/*/manifest.json`,
  };
}

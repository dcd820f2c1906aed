import * as pulumi from "@pulumi/pulumi";
import type { DbkeeperConfig } from "../../scripts/config.ts";
import type { Contribution, HostFile } from "../hosts/contribution.ts";
import type { Objective, PostgresCluster } from "../site.ts";
import { type AgeIdentity, ageIdentityOf } from "./age.ts";
import { archiveConfiguration, archiveFiles, type OffsiteArgs } from "./archive.ts";
import { dumpUnits } from "./jobs.ts";
import { runtimeUser } from "./names.ts";
import { walConfiguration } from "./physical-backups.ts";
import type { DumpConfiguration } from "./runtime.ts";

export interface DumpsArgs {
  readonly cluster: PostgresCluster;
  /** Of the primary's tier. */
  readonly objective: Objective | undefined;
  /** Absent where the dumps stay on the host. */
  readonly offsite: OffsiteArgs | undefined;
  /** Secret; what the host's own key follows from. Only where the site has its dumps encrypted. */
  readonly keySecret: pulumi.Input<string> | undefined;
}

/** What dumps need on the member that they are taken from, and its part of the configuration. */
export interface Dumps {
  readonly contribution: Contribution;
  readonly configuration: DumpConfiguration;
}

/** Dumps of a cluster: every database, each proven by restoring it, encrypted and copied off-site where the site says so. */
export function dumps({ cluster, objective, offsite, keySecret }: DumpsArgs): Dumps {
  const key = keySecret === undefined ? undefined : pulumi.output(keySecret).apply(ageIdentityOf);
  return {
    contribution: {
      packages: ["zstd", ...(key === undefined ? [] : ["age"])],
      directories: [
        // The owner of the data directory has folders of its own below.
        { path: cluster.dump.directory, mode: "0751", owner: runtimeUser, group: runtimeUser },
      ],
      files: [
        ...(offsite === undefined ? [] : archiveFiles(offsite)),
        ...(key === undefined ? [] : [identityOf(key)]),
      ],
      units: dumpUnits(cluster),
    },
    configuration: {
      wal: walConfiguration(cluster, objective),
      ...(offsite === undefined ? {} : { archive: archiveConfiguration(offsite) }),
      ...(key === undefined
        ? {}
        : { encryption: pulumi.unsecret(key).apply(({ recipient }) => encryptedFor(cluster, recipient)) }),
    },
  };
}

const identityFile = "/etc/dbkeeper/age-identity";

/** The private key by which the host proves and restores its own dumps. */
function identityOf(key: pulumi.Output<AgeIdentity>): HostFile {
  return {
    path: identityFile,
    content: key.apply(({ identity }) => `${identity}\n`),
    mode: "0400",
    owner: runtimeUser,
    group: runtimeUser,
    sensitive: true,
  };
}

/** The host's own public key is among them: what it cannot open, it cannot prove. */
function encryptedFor({ encryption }: PostgresCluster, own: string): DbkeeperConfig["encryption"] {
  return { recipients: [own, ...(encryption?.recipients ?? [])], identityFile };
}

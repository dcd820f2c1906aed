import * as pulumi from "@pulumi/pulumi";
import { propertyBag, type ResourceArgs } from "../provider/sdk.ts";
import { remoteInputs } from "./resources/remote.ts";
import { syncJobInputs } from "./resources/sync-job.ts";

/** See `resources/remote.ts`. */
export type RemoteArgs = ResourceArgs<typeof remoteInputs>;
/** See `resources/sync-job.ts`. */
export type SyncJobArgs = ResourceArgs<typeof syncJobInputs>;

/** Another Proxmox Backup Server, from which or to which sync jobs copy backups. */
export class Remote extends pulumi.CustomResource {
  declare readonly name: pulumi.Output<string>;
  declare readonly host: pulumi.Output<string>;
  declare readonly port: pulumi.Output<number | undefined>;
  declare readonly authId: pulumi.Output<string>;

  constructor(name: string, args: RemoteArgs, options?: pulumi.CustomResourceOptions) {
    const inputs = propertyBag(remoteInputs, withSecrets(args, ["password"]));
    super("pbs:index:Remote", name, inputs, options);
  }
}

/** When backups are copied from or to another datastore, mostly of another server. */
export class SyncJob extends pulumi.CustomResource {
  declare readonly jobId: pulumi.Output<string>;
  declare readonly store: pulumi.Output<string>;
  declare readonly remote: pulumi.Output<string | undefined>;
  declare readonly remoteStore: pulumi.Output<string>;
  declare readonly schedule: pulumi.Output<string | undefined>;

  constructor(name: string, args: SyncJobArgs, options?: pulumi.CustomResourceOptions) {
    super("pbs:index:SyncJob", name, propertyBag(syncJobInputs, args), options);
  }
}

/** The arguments with those marked as secret that the server keeps to itself. */
function withSecrets(args: object, names: readonly string[]): object {
  const given = new Map(Object.entries(args));
  const marked = names
    .filter((name) => given.get(name) !== undefined)
    .map((name) => [name, pulumi.secret(given.get(name))]);
  return { ...args, ...Object.fromEntries(marked) };
}

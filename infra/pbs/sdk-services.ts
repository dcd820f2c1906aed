import * as pulumi from "@pulumi/pulumi";
import { propertyBag, type ResourceArgs } from "../provider/sdk.ts";
import { garbageCollectionInputs } from "./resources/garbage-collection.ts";
import { metricServerInputs, type metricVariants } from "./resources/metric-server.ts";
import { notificationMatcherInputs } from "./resources/notification-matcher.ts";
import { notificationTargetInputs, type targetVariants } from "./resources/notification-target.ts";
import { remoteInputs } from "./resources/remote.ts";
import { s3EndpointInputs } from "./resources/s3-endpoint.ts";
import { syncJobInputs } from "./resources/sync-job.ts";
import { trafficControlInputs } from "./resources/traffic-control.ts";
import type { Variant } from "./resources/variants.ts";

/** The arguments of a resource whose properties depend on its type. */
type VariantArgs<
  Args,
  Common extends keyof Args,
  Variants extends Readonly<Record<string, Variant<keyof Args & string>>>,
> = {
  [Type in keyof Variants]: { readonly type: Type } & Pick<Args, Common> &
    Required<Pick<Args, Variants[Type]["needs"][number]>> &
    Pick<Args, Variants[Type]["takes"][number]>;
}[keyof Variants];

/** See `resources/remote.ts`. */
export type RemoteArgs = ResourceArgs<typeof remoteInputs>;
/** See `resources/sync-job.ts`. */
export type SyncJobArgs = ResourceArgs<typeof syncJobInputs>;
/** See `resources/garbage-collection.ts`. */
export type GarbageCollectionArgs = ResourceArgs<typeof garbageCollectionInputs>;
/** See `resources/s3-endpoint.ts`. */
export type S3EndpointArgs = ResourceArgs<typeof s3EndpointInputs>;
/** See `resources/notification-target.ts`. */
export type NotificationTargetArgs = VariantArgs<
  ResourceArgs<typeof notificationTargetInputs>,
  "name" | "comment" | "disable",
  typeof targetVariants
>;
/** See `resources/notification-matcher.ts`. */
export type NotificationMatcherArgs = ResourceArgs<typeof notificationMatcherInputs>;
/** See `resources/traffic-control.ts`. */
export type TrafficControlArgs = ResourceArgs<typeof trafficControlInputs>;
/** See `resources/metric-server.ts`. */
export type MetricServerArgs = VariantArgs<
  ResourceArgs<typeof metricServerInputs>,
  "name" | "comment" | "enable",
  typeof metricVariants
>;

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

/** When the chunks of a datastore are removed that no backup uses any more. */
export class GarbageCollection extends pulumi.CustomResource {
  declare readonly store: pulumi.Output<string>;
  declare readonly schedule: pulumi.Output<string>;

  constructor(name: string, args: GarbageCollectionArgs, options?: pulumi.CustomResourceOptions) {
    super("pbs:index:GarbageCollection", name, propertyBag(garbageCollectionInputs, args), options);
  }
}

/** Where and as whom buckets are used that hold datastores. */
export class S3Endpoint extends pulumi.CustomResource {
  declare readonly endpointId: pulumi.Output<string>;
  declare readonly endpoint: pulumi.Output<string>;
  declare readonly region: pulumi.Output<string | undefined>;

  constructor(name: string, args: S3EndpointArgs, options?: pulumi.CustomResourceOptions) {
    const inputs = propertyBag(s3EndpointInputs, withSecrets(args, ["secretKey"]));
    super("pbs:index:S3Endpoint", name, inputs, options);
  }
}

/** Where notifications go. */
export class NotificationTarget extends pulumi.CustomResource {
  declare readonly name: pulumi.Output<string>;
  declare readonly type: pulumi.Output<keyof typeof targetVariants>;

  constructor(name: string, args: NotificationTargetArgs, options?: pulumi.CustomResourceOptions) {
    const marked = withSecrets(args, ["token", "password", "secrets"]);
    super("pbs:index:NotificationTarget", name, propertyBag(notificationTargetInputs, marked), options);
  }
}

/** Which notifications go to which targets. */
export class NotificationMatcher extends pulumi.CustomResource {
  declare readonly name: pulumi.Output<string>;
  declare readonly target: pulumi.Output<string[] | undefined>;

  constructor(name: string, args: NotificationMatcherArgs, options?: pulumi.CustomResourceOptions) {
    super("pbs:index:NotificationMatcher", name, propertyBag(notificationMatcherInputs, args), options);
  }
}

/** How fast clients of some networks may read and write backups. */
export class TrafficControl extends pulumi.CustomResource {
  declare readonly name: pulumi.Output<string>;
  declare readonly network: pulumi.Output<string[]>;

  constructor(name: string, args: TrafficControlArgs, options?: pulumi.CustomResourceOptions) {
    super("pbs:index:TrafficControl", name, propertyBag(trafficControlInputs, args), options);
  }
}

/** A database to which the server sends figures about itself. */
export class MetricServer extends pulumi.CustomResource {
  declare readonly name: pulumi.Output<string>;
  declare readonly type: pulumi.Output<keyof typeof metricVariants>;

  constructor(name: string, args: MetricServerArgs, options?: pulumi.CustomResourceOptions) {
    const inputs = propertyBag(metricServerInputs, withSecrets(args, ["token"]));
    super("pbs:index:MetricServer", name, inputs, options);
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

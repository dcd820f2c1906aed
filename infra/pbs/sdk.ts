import * as pulumi from "@pulumi/pulumi";
import { propertyBag, type ResourceArgs } from "../provider/sdk.ts";
import type { ProviderConfig, providerConfig } from "./provider.ts";
import { aclInputs } from "./resources/acl.ts";
import { apiTokenInputs } from "./resources/api-token.ts";
import { datastoreInputs } from "./resources/datastore.ts";
import { namespaceInputs } from "./resources/namespace.ts";
import { pruneJobInputs } from "./resources/prune-job.ts";
import { userInputs } from "./resources/user.ts";
import { verifyJobInputs } from "./resources/verify-job.ts";

export * from "./functions/sdk.ts";

/** See `provider.ts`. */
export type ProviderArgs = ResourceArgs<typeof providerConfig>;
/** See `resources/datastore.ts`. */
export type DatastoreArgs = ResourceArgs<typeof datastoreInputs>;
/** See `resources/namespace.ts`. */
export type NamespaceArgs = ResourceArgs<typeof namespaceInputs>;
/** See `resources/prune-job.ts`. */
export type PruneJobArgs = ResourceArgs<typeof pruneJobInputs>;
/** See `resources/verify-job.ts`. */
export type VerifyJobArgs = ResourceArgs<typeof verifyJobInputs>;
/** See `resources/user.ts`. */
export type UserArgs = ResourceArgs<typeof userInputs>;
/** See `resources/api-token.ts`. */
export type ApiTokenArgs = ResourceArgs<typeof apiTokenInputs>;
/** See `resources/acl.ts`. */
export type AclArgs = ResourceArgs<typeof aclInputs>;

/** A connection to one Proxmox Backup Server, for the resource option `provider`. */
export class Provider extends pulumi.ProviderResource {
  constructor(name: string, args: ProviderArgs, options?: pulumi.ResourceOptions) {
    super(
      "pbs",
      name,
      {
        url: args.url,
        tokenId: args.tokenId,
        tokenSecret: pulumi.secret(args.tokenSecret),
        fingerprint: args.fingerprint,
        caCertificate: args.caCertificate,
        // The engine passes a provider's properties on as text.
        timeoutSeconds: pulumi
          .output(args.timeoutSeconds)
          .apply(
            (seconds: ProviderConfig["timeoutSeconds"] | undefined) => seconds && JSON.stringify(seconds),
          ),
      },
      options,
    );
  }
}

/** A datastore: where backups are kept. Deleting it leaves the data and its jobs unless told otherwise. */
export class Datastore extends pulumi.CustomResource {
  declare readonly name: pulumi.Output<string>;
  declare readonly path: pulumi.Output<string>;
  declare readonly gcSchedule: pulumi.Output<string | undefined>;
  declare readonly verifyNew: pulumi.Output<boolean>;
  /** What the server warned about when it made the datastore. */
  declare readonly warnings: pulumi.Output<string[]>;

  constructor(name: string, args: DatastoreArgs, options?: pulumi.CustomResourceOptions) {
    super("pbs:index:Datastore", name, propertyBag(datastoreInputs, args, ["warnings"]), options);
  }
}

/** A namespace of a datastore. Deleting it leaves the backups unless told otherwise. */
export class Namespace extends pulumi.CustomResource {
  declare readonly store: pulumi.Output<string>;
  declare readonly ns: pulumi.Output<string>;

  constructor(name: string, args: NamespaceArgs, options?: pulumi.CustomResourceOptions) {
    super("pbs:index:Namespace", name, propertyBag(namespaceInputs, args), options);
  }
}

/** When which backups of a datastore are removed. */
export class PruneJob extends pulumi.CustomResource {
  declare readonly jobId: pulumi.Output<string>;
  declare readonly store: pulumi.Output<string>;
  declare readonly schedule: pulumi.Output<string>;
  declare readonly keepLast: pulumi.Output<number | undefined>;
  declare readonly keepHourly: pulumi.Output<number | undefined>;
  declare readonly keepDaily: pulumi.Output<number | undefined>;
  declare readonly keepWeekly: pulumi.Output<number | undefined>;
  declare readonly keepMonthly: pulumi.Output<number | undefined>;
  declare readonly keepYearly: pulumi.Output<number | undefined>;

  constructor(name: string, args: PruneJobArgs, options?: pulumi.CustomResourceOptions) {
    super("pbs:index:PruneJob", name, propertyBag(pruneJobInputs, args), options);
  }
}

/** When the backups of a datastore are read back and checked. */
export class VerifyJob extends pulumi.CustomResource {
  declare readonly jobId: pulumi.Output<string>;
  declare readonly store: pulumi.Output<string>;
  declare readonly schedule: pulumi.Output<string | undefined>;

  constructor(name: string, args: VerifyJobArgs, options?: pulumi.CustomResourceOptions) {
    super("pbs:index:VerifyJob", name, propertyBag(verifyJobInputs, args), options);
  }
}

/** A user of the server. */
export class User extends pulumi.CustomResource {
  declare readonly userid: pulumi.Output<string>;

  constructor(name: string, args: UserArgs, options?: pulumi.CustomResourceOptions) {
    const password = args.password === undefined ? undefined : pulumi.secret(args.password);
    super("pbs:index:User", name, propertyBag(userInputs, { ...args, password }), options);
  }
}

/** An API token of a user. */
export class ApiToken extends pulumi.CustomResource {
  declare readonly userid: pulumi.Output<string>;
  declare readonly tokenName: pulumi.Output<string>;
  /** `name@realm!token`. */
  declare readonly tokenId: pulumi.Output<string>;
  /** The secret, shown by the server only once; undefined for an imported token. */
  declare readonly value: pulumi.Output<string | undefined>;

  constructor(name: string, args: ApiTokenArgs, options?: pulumi.CustomResourceOptions) {
    super("pbs:index:ApiToken", name, propertyBag(apiTokenInputs, args, ["tokenId", "value"]), {
      ...options,
      additionalSecretOutputs: ["value", ...(options?.additionalSecretOutputs ?? [])],
    });
  }
}

/** One role of one user, token or group on one path. */
export class Acl extends pulumi.CustomResource {
  declare readonly path: pulumi.Output<string>;
  declare readonly roleId: pulumi.Output<string>;
  declare readonly authId: pulumi.Output<string | undefined>;
  declare readonly propagate: pulumi.Output<boolean>;

  constructor(name: string, args: AclArgs, options?: pulumi.CustomResourceOptions) {
    super("pbs:index:Acl", name, propertyBag(aclInputs, args), options);
  }
}

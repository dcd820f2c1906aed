import * as pulumi from "@pulumi/pulumi";
import type { ResourceArgs } from "../../provider/sdk.ts";
import type { connectionSchema, directorySchema, sourceSchema, unitSchema, userSchema } from "./inputs.ts";

/** How to reach a host. `hostKey` is known before the first connection; any other key is refused. */
export type ConnectionArgs = ResourceArgs<typeof connectionSchema>;
/** What the host downloads itself, checks and, where `member` is given, takes out of a tar archive. */
export type SourceArgs = ResourceArgs<typeof sourceSchema>;
export type UserArgs = ResourceArgs<typeof userSchema>;
export type UnitArgs = ResourceArgs<typeof unitSchema>;
export type DirectoryArgs = { readonly path: string } & ResourceArgs<typeof directorySchema>;

export interface FileArgs {
  /** Absolute. Known in the program, since the state is keyed by it. */
  readonly path: string;
  /** Either this, `source` or `asset`. */
  readonly content?: pulumi.Input<string>;
  readonly source?: pulumi.Input<SourceArgs>;
  /** A file of this machine; only its path and digest are recorded. */
  readonly asset?: pulumi.asset.FileAsset;
  /** Octal; default "0644", "0600" for a sensitive file. */
  readonly mode?: pulumi.Input<string>;
  /** Default root. */
  readonly owner?: pulumi.Input<string>;
  /** Default root. */
  readonly group?: pulumi.Input<string>;
  /**
   * A program with arguments that must accept the content before anything on the host changes; the argument `%s`
   * stands for where the content lies.
   */
  readonly validate?: pulumi.Input<pulumi.Input<string>[]>;
  /** Units of the same delivery to be reloaded, or restarted where they cannot reload, when this file changes. */
  readonly activates?: pulumi.Input<pulumi.Input<string>[]>;
  /** Keeps the content secret in the state and out of every message. Default false. */
  readonly sensitive?: boolean;
}

export interface DeliveryArgs {
  readonly connection: ConnectionArgs;
  /** Tells the deliveries of several programs to one host apart; another name replaces the delivery. Default "lab". */
  readonly name?: pulumi.Input<string>;
  /**
   * Properties of the machine that it takes over only by a restart. When one changes, a preview says so, and the
   * delivery comes again after it: everything has to run as before.
   */
  readonly machine?: pulumi.Input<Readonly<Record<string, unknown>>>;
  /** Packages of the distribution, installed where missing, never upgraded and never removed. */
  readonly packages?: pulumi.Input<pulumi.Input<string>[]>;
  readonly files?: readonly FileArgs[];
  /** Made before the files; parents that nobody describes are root's, 0755. */
  readonly directories?: readonly DirectoryArgs[];
  /** System users, created where missing and never removed. */
  readonly users?: pulumi.Input<pulumi.Input<UserArgs>[]>;
  /** Activated in this order. */
  readonly units?: pulumi.Input<pulumi.Input<UnitArgs>[]>;
}

/**
 * Files, directories, users and systemd units that one host gets over SSH, as one resource. It changes when a content
 * changes, removes what is no longer named, activates what changed and finds what was changed on the host.
 */
export class Delivery extends pulumi.CustomResource {
  /** SHA-256 over everything delivered; the connection does not count. */
  declare readonly contentHash: pulumi.Output<string>;
  /** Path → SHA-256 of every installed file, unit files included, sensitive files left out. */
  declare readonly installed: pulumi.Output<Record<string, string>>;
  declare readonly name: pulumi.Output<string>;

  constructor(name: string, args: DeliveryArgs, options?: pulumi.CustomResourceOptions) {
    super(
      "hosts:index:Delivery",
      name,
      {
        ...args,
        name: args.name,
        connection: { ...args.connection, privateKey: pulumi.secret(args.connection.privateKey) },
        files: byPath("files", (args.files ?? []).map(withSecretContent)),
        directories: byPath("directories", args.directories ?? []),
        contentHash: undefined,
        installed: undefined,
      },
      options,
    );
  }
}

export interface SshKeyArgs {
  /** What the public key's line ends in. */
  readonly comment?: pulumi.Input<string>;
  /** Another value makes another key. */
  readonly rotation?: pulumi.Input<string>;
}

/** An ed25519 key pair, made on create and kept in the state. */
export class SshKey extends pulumi.CustomResource {
  /** OpenSSH's own format, without passphrase; secret. */
  declare readonly privateKey: pulumi.Output<string>;
  /** The line for authorized_keys or known_hosts. */
  declare readonly publicKey: pulumi.Output<string>;
  /** `SHA256:…` */
  declare readonly fingerprint: pulumi.Output<string>;

  constructor(name: string, args: SshKeyArgs = {}, options?: pulumi.CustomResourceOptions) {
    super(
      "hosts:index:SshKey",
      name,
      { ...args, privateKey: undefined, publicKey: undefined, fingerprint: undefined },
      pulumi.mergeOptions({ additionalSecretOutputs: ["privateKey"] }, options),
    );
  }
}

export interface PasswordArgs {
  /** 16 to 128; default 32. Another length makes another password. */
  readonly lengthCharacters?: pulumi.Input<number>;
  /** Another value makes another password. */
  readonly rotation?: pulumi.Input<string>;
}

/** A random password of letters and digits, made on create and kept in the state. */
export class Password extends pulumi.CustomResource {
  /** Secret. */
  declare readonly value: pulumi.Output<string>;
  /** Secret; made once, for web servers that keep only a hash. */
  declare readonly bcryptHash: pulumi.Output<string>;

  constructor(name: string, args: PasswordArgs = {}, options?: pulumi.CustomResourceOptions) {
    super(
      "hosts:index:Password",
      name,
      { ...args, value: undefined, bcryptHash: undefined },
      pulumi.mergeOptions({ additionalSecretOutputs: ["value", "bcryptHash"] }, options),
    );
  }
}

function withSecretContent(file: FileArgs): FileArgs {
  return file.sensitive && file.content !== undefined
    ? { ...file, content: pulumi.secret(file.content) }
    : file;
}

function byPath<Entry extends { readonly path: string }>(
  property: string,
  entries: readonly Entry[],
): Record<string, Omit<Entry, "path">> {
  const record: Record<string, Omit<Entry, "path">> = {};
  for (const { path, ...rest } of entries) {
    if (path in record) {
      throw new pulumi.InputPropertyError({
        propertyPath: property,
        reason: `${path} is in ${property} twice: keep one of them`,
      });
    }
    record[path] = rest;
  }
  return record;
}

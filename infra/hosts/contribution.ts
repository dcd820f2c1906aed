import * as pulumi from "@pulumi/pulumi";
import type { PinnedBinary } from "../site.ts";

/** A file on a host. Exactly one of `content`, `source` and `asset` is given. */
export interface HostFile {
  /** Absolute. */
  readonly path: string;
  readonly content?: pulumi.Input<string>;
  /** A pinned download that the host fetches itself. */
  readonly source?: { readonly url: string; readonly sha256: string; readonly member?: string };
  /** A file of this machine: for what is too large to be in the state once for each host. */
  readonly asset?: pulumi.asset.FileAsset;
  /** Octal, for example 0644. */
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
  /** A program that must accept the content before anything on the host changes; `%s` is where the content lies. */
  readonly validate?: readonly string[];
  /** Units to be reloaded or restarted when the file changes. */
  readonly activates?: readonly string[];
  /** Whether the content must never be shown. */
  readonly sensitive?: boolean;
}

export interface HostUnit {
  readonly name: string;
  /** Absent for a unit that a package brings. */
  readonly content?: string;
  readonly enabled?: boolean;
  readonly state?: "started" | "stopped" | "none";
  /** Whether a change is taken up by a reload instead of a restart. */
  readonly reloadable?: boolean;
  /** Whether it is stopped again where the host cannot be reached anew after the delivery. */
  readonly stopIfUnreachable?: boolean;
}

export interface HostUser {
  readonly name: string;
  readonly home?: string;
  readonly groups?: readonly string[];
}

export interface HostDirectory {
  readonly path: string;
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
}

/** What one concern needs on a host. All of a host's contributions are delivered together, as one resource. */
export interface Contribution {
  /** Distribution packages, installed where missing. */
  readonly packages?: readonly string[];
  readonly users?: readonly HostUser[];
  readonly directories?: readonly HostDirectory[];
  readonly files?: readonly HostFile[];
  /** In the order in which they are activated. */
  readonly units?: readonly HostUnit[];
}

export type Merged = Required<Contribution>;

/**
 * Puts contributions together in their order.
 * @throws Error where two of them claim one file or one unit: whichever came last would win silently.
 */
export function merge(host: string, contributions: readonly Contribution[]): Merged {
  const merged: Merged = {
    packages: [...new Set(contributions.flatMap(({ packages = [] }) => packages))],
    users: uniqueBy(
      contributions.flatMap(({ users = [] }) => users),
      (user) => user.name,
    ),
    directories: uniqueBy(
      contributions.flatMap(({ directories = [] }) => directories),
      (directory) => directory.path,
    ),
    files: contributions.flatMap(({ files = [] }) => files),
    units: contributions.flatMap(({ units = [] }) => units),
  };
  refuseTwice(
    host,
    "file",
    merged.files.map((file) => file.path),
  );
  refuseTwice(
    host,
    "unit",
    merged.units.map((unit) => unit.name),
  );
  return merged;
}

/** A pinned program as an executable file. */
export function executable(
  path: string,
  { url, sha256, member }: PinnedBinary,
  activates: readonly string[] = [],
): HostFile {
  return {
    path,
    source: { url, sha256, ...(member === undefined ? {} : { member }) },
    mode: "0755",
    owner: "root",
    group: "root",
    activates,
  };
}

/** A configuration file that everybody may read. */
export function plainFile(
  path: string,
  content: pulumi.Input<string>,
  activates: readonly string[] = [],
): HostFile {
  return { path, content, mode: "0644", owner: "root", group: "root", activates };
}

/** A file of this machine that everybody may read. */
export function localFile(path: string, localPath: string): HostFile {
  return { path, asset: new pulumi.asset.FileAsset(localPath), mode: "0644", owner: "root", group: "root" };
}

function uniqueBy<T>(items: readonly T[], key: (item: T) => string): T[] {
  return [...new Map(items.map((item) => [key(item), item])).values()];
}

function refuseTwice(host: string, kind: string, names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`${host}: two parts of the program deliver ${kind} ${twice}`);
}

import type { ParameterTypes, Values } from "./parameters.ts";
import type { Access, Privilege } from "./permissions.ts";
import type { Store } from "./state.ts";
import type { Tasks } from "./tasks.ts";

/** What handlers work with. */
export interface Server {
  readonly store: Store;
  readonly tasks: Tasks;
  readonly access: Access;
  /** The groups that a backup is written to, each with the moment at which it began. */
  readonly writers: Map<string, Date>;
  now(): Date;
  /** The folder on this machine that stands for a path of the simulated server. */
  localPath(path: string): string;
}

export interface Reply {
  readonly data: unknown;
  readonly digest?: string;
  readonly total?: number;
}

/** A check that is made before the handler runs, and that says nothing about what is missing. */
export interface RoutePermission {
  /** Components of the ACL path; `{name}` is replaced by that parameter. */
  readonly path: readonly string[];
  readonly privilege: Privilege;
  /** A parameter that may name the caller instead. */
  readonly orSelf?: string;
}

/** One call of the API. Paths and parameters are held against the product's description by a test. */
export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** As in the description, with `{name}` for a parameter in the path. */
  readonly path: string;
  readonly parameters: ParameterTypes;
  readonly permission?: RoutePermission;
  /** For everybody, also who has not logged in; the caller is then nobody. */
  readonly world?: boolean;
  run(server: Server, values: Values, caller: string): Promise<Reply> | Reply;
}

/** The values of the named parameters that were given. */
export function pick(values: Values, names: readonly string[]): Values {
  return Object.fromEntries(
    names.flatMap((name) => (values[name] === undefined ? [] : [[name, values[name]] as const])),
  );
}

/** A parameter that its type guarantees to be text. */
export function textOf(values: Values, name: string): string {
  return String(values[name] ?? "");
}

/** The ACL path of a namespace of a datastore. */
export function storeAclPath(values: Readonly<Record<string, unknown>>): string[] {
  const namespace = typeof values.ns === "string" && values.ns !== "" ? values.ns.split("/") : [];
  return ["datastore", String(values.store), ...namespace];
}

/** The ACL path of a namespace of the remote datastore that a sync job names. */
export function remoteAclPath(job: Readonly<Record<string, unknown>>, ns: string): string[] {
  return ["remote", String(job.remote), String(job["remote-store"]), ...ns.split("/").filter(Boolean)];
}

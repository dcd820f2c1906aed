import { ApiError } from "./errors.ts";
import { type Privilege, userOf } from "./permissions.ts";
import { type Server, storeAclPath, textOf } from "./route.ts";
import { groupOwner } from "./snapshots.ts";
import type { Section } from "./state.ts";

/** A datastore that may be used, and where it lies on this machine. */
export interface OpenStore {
  readonly name: string;
  readonly section: Section;
  readonly root: string;
}

type Operation = "read" | "write";

/** @throws ApiError where it is unknown or under maintenance. */
export function openStore(server: Server, name: string, operation: Operation = "read"): OpenStore {
  const section = server.store.state.datastore[name];
  if (!section) throw new ApiError(400, `no such datastore '${name}'`);
  const reason = maintenanceOf(section, operation);
  if (reason !== undefined) throw new ApiError(400, `datastore '${name}' is unavailable: ${reason}`);
  return { name, section, root: server.localPath(textOf(section, "path")) };
}

function maintenanceOf(section: Section, operation: Operation): string | undefined {
  const mode = textOf(section, "maintenance-mode");
  if (mode === "") return undefined;
  const [, type] = /^(?:type=)?([a-z0-9-]+)/.exec(mode) ?? [];
  const message = /message=("(?:[^"\\]|\\.)*"|[^,]*)/.exec(mode)?.[1]?.replace(/^"|"$/g, "");
  if (type === "delete") return "datastore is being deleted";
  if (type === "read-only" && operation === "read") return undefined;
  return `${type} maintenance mode: ${message || "no message set"}`;
}

/** The parameters that name a group of backups. */
export interface GroupValues {
  readonly store?: unknown;
  readonly ns?: unknown;
  readonly "backup-type"?: unknown;
  readonly "backup-id"?: unknown;
}

/**
 * Whether the caller sees only what it owns: it has none of the privileges that count for everybody's backups, but one
 * that counts for its own.
 * @throws ApiError where it has neither.
 */
export function ownOnly(
  server: Server,
  values: GroupValues,
  caller: string,
  full: readonly Privilege[],
  own: readonly Privilege[],
): boolean {
  const path = storeAclPath({ ...values });
  const held = server.access.privileges(caller, path);
  if (full.some((privilege) => held.has(privilege))) return false;
  if (own.some((privilege) => held.has(privilege))) return true;
  const missing = [...full, ...own].join("|");
  throw new ApiError(403, `permission check failed - missing ${missing} on /${path.join("/")}`);
}

/**
 * Opens the datastore of a group for a caller who has one of the `full` privileges, or one of the `own` ones and owns
 * the group. @throws ApiError
 */
export async function openGroup(
  server: Server,
  values: GroupValues,
  caller: string,
  full: readonly Privilege[],
  own: readonly Privilege[],
  operation: Operation = "read",
): Promise<OpenStore> {
  const limited = ownOnly(server, values, caller, full, own);
  const store = openStore(server, String(values.store), operation);
  if (limited) {
    const [type, id] = [String(values["backup-type"]), String(values["backup-id"])];
    requireOwner(await groupOwner(store.root, String(values.ns ?? ""), type, id), caller);
  }
  return store;
}

/** A user owns what its tokens own, but not the other way round. */
export function owns(owner: string | undefined, caller: string): boolean {
  return owner !== undefined && (owner === caller || (owner.includes("!") && userOf(owner) === caller));
}

/** @throws ApiError */
export function requireOwner(owner: string | undefined, caller: string): void {
  if (owner === undefined) throw new ApiError(400, "ENOENT: No such file or directory");
  if (!owns(owner, caller)) throw new ApiError(400, `backup owner check failed (${caller} != ${owner})`);
}

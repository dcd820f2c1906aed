import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { type Call, defineResource } from "../../provider/resource.ts";
import type { Parameters, PbsClient } from "../client.ts";
import { isConflict } from "../error.ts";
import { changedMeanwhile, conflictPause, conflictRetries, tooBusy } from "./conflict.ts";
import { coerce } from "./properties.ts";
import { authId } from "./values.ts";

/** Every role of the server. `DatastoreBackup` can write and restore its own backups, but not remove any. */
export const roles = [
  "Admin",
  "Audit",
  "NoAccess",
  "DatastoreAdmin",
  "DatastoreReader",
  "DatastoreBackup",
  "DatastorePowerUser",
  "DatastoreAudit",
  "RemoteAudit",
  "RemoteAdmin",
  "RemoteSyncOperator",
  "RemoteSyncPushOperator",
  "RemoteDatastorePowerUser",
  "RemoteDatastoreAdmin",
  "TapeAudit",
  "TapeAdmin",
  "TapeOperator",
  "TapeReader",
] as const;

/** One role of one user, token or group on one path. */
export const aclInputs = z.object({
  /** Where the role counts, for example `/datastore/vms/lab`; `/` is everywhere. */
  path: z
    .string()
    .max(128, "an ACL path has at most 128 characters")
    .regex(
      /^(\/|(\/[A-Za-z0-9_][A-Za-z0-9._-]*)+)$/,
      'an ACL path is "/" or for example "/datastore/vms/lab" or "/access/users"',
    ),
  roleId: z.enum(roles, { error: `a role is one of ${roles.join(", ")}` }),
  authId: authId.optional(),
  /** The API knows groups; servers up to now refuse them. */
  group: z
    .string()
    .min(3)
    .max(64)
    .regex(/^[^\s:/\p{Cc}]+$/u)
    .optional(),
  /** Whether the role counts below the path too. */
  propagate: z.boolean().default(true),
});

type Inputs = z.output<typeof aclInputs>;

interface Entry {
  readonly path: string;
  readonly roleid: string;
  readonly ugid: string;
  readonly ugid_type: string;
  readonly propagate: unknown;
}

export const acl = defineResource<PbsClient, typeof aclInputs.shape, object>({
  token: "pbs:index:Acl",
  inputs: aclInputs,
  replaceOn: ["path", "roleId", "authId", "group"],
  checkTogether: ({ authId, group }) =>
    (authId === undefined) === (group === undefined)
      ? [{ property: "authId", reason: "a permission is for either an authId (user or token) or a group" }]
      : [],

  async create(call, inputs) {
    await write(call, inputs, false);
    return { id: idOf(inputs), outputs: {} };
  },

  async read(call, id) {
    const identity = identityOf(id);
    const { entry } = await find(call, identity);
    if (entry) return { inputs: { ...identity, propagate: asBoolean(entry.propagate) }, outputs: {} };
    await requireFullView(call);
    return undefined;
  },

  async update(call, _id, _recorded, wanted) {
    await write(call, wanted, false);
    return {};
  },

  async delete(call, id) {
    await write(call, { ...identityOf(id), propagate: true }, true);
  },
});

/** Both writing what is there and removing what is not succeed at the server. */
function write(call: Call<PbsClient>, inputs: Inputs, remove: boolean): Promise<void> {
  return call.client.exclusive("acl", async () => {
    const first = await find(call, inputs);
    let { digest } = first;
    for (let attempt = 0; ; attempt++) {
      try {
        await call.client.put("/access/acl", { ...parametersOf(inputs, remove), digest }, call.signal);
        return;
      } catch (error) {
        if (!isConflict(error)) throw error;
        const now = await find(call, inputs);
        if (remove && !now.entry) return;
        const what = `the permission ${idOf(inputs)}`;
        if (!isDeepStrictEqual(now.entry, first.entry)) {
          throw changedMeanwhile(what, first.entry, now.entry, error);
        }
        if (attempt === conflictRetries) throw tooBusy(what, call.client.url, error);
        await conflictPause(call.signal);
        digest = now.digest;
      }
    }
  });
}

function parametersOf(inputs: Inputs, remove: boolean): Parameters {
  return {
    path: inputs.path,
    role: inputs.roleId,
    "auth-id": inputs.authId,
    group: inputs.group,
    ...(remove ? { delete: true } : { propagate: inputs.propagate }),
  };
}

async function find({ client, signal }: Call<PbsClient>, wanted: Inputs) {
  const { data, digest } = await client.get("/access/acl", { path: wanted.path, exact: true }, signal);
  const [ugid, type] = wanted.group === undefined ? [wanted.authId, "user"] : [wanted.group, "group"];
  const entry = (data as Entry[]).find(
    (one) =>
      one.path === wanted.path && one.roleid === wanted.roleId && one.ugid === ugid && one.ugid_type === type,
  );
  return { entry, digest };
}

/** Without Sys.Audit the server shows only part of the list, which would look like permissions that were removed. */
async function requireFullView({ client, signal }: Call<PbsClient>): Promise<void> {
  const { data } = await client.get("/access/permissions", { path: "/access/acl" }, signal);
  const privileges = (data as Record<string, Record<string, unknown>>)["/access/acl"] ?? {};
  if ("Sys.Audit" in privileges) return;
  throw new Error(
    `${client.tokenId} cannot see all permissions of ${client.url}: it needs Sys.Audit on /access/acl, both the token and its user ` +
      `(role Audit): proxmox-backup-manager acl update /access/acl Audit --auth-id '${client.tokenId}'`,
  );
}

function idOf({ path, authId, group, roleId }: Inputs): string {
  return `${path}|${group === undefined ? authId : `group:${group}`}|${roleId}`;
}

function identityOf(id: string): Inputs {
  const [path, who, roleId, ...more] = id.split("|");
  const of = who?.startsWith("group:") ? { group: who.slice("group:".length) } : { authId: who };
  const parsed = aclInputs.safeParse({ path, roleId, ...of });
  if (parsed.success && more.length === 0) return parsed.data;
  throw new Error(
    `"${id}" is no id of a permission; it is path|authId|role, for example /datastore/vms|pve@pbs!lab|DatastoreBackup`,
  );
}

function asBoolean(value: unknown): boolean {
  return coerce(z.boolean(), value) === true;
}

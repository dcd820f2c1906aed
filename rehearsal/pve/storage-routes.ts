import { ApiError, failure, parameterError } from "./errors.ts";
import {
  boolean,
  digest,
  integer,
  oneOf,
  parsed,
  pattern,
  splitList,
  storageId,
  text as textField,
} from "./fields.ts";
import { configId, contentType, listOf, nodeName } from "./formats.ts";
import { parsePruneBackups } from "./property-string.ts";
import { type Route, route } from "./route.ts";
import { sectionDigest } from "./sections.ts";
import type { Simulator } from "./simulator.ts";
import type { Section } from "./state.ts";
import {
  forgetStorageSecrets,
  removeStorageSecrets,
  separateSecrets,
  writeStorageSecrets,
} from "./storage-secrets.ts";
import { mayList } from "./storage-status.ts";
import { text } from "./volumes.ts";

const fingerprint = () => pattern(/^([A-Fa-f0-9]{2}:){31}[A-Fa-f0-9]{2}$/);

/** Options that may change later. */
const changeable = {
  content: parsed(listOf(contentType)).optional(),
  disable: boolean().optional(),
  nodes: parsed(listOf(nodeName)).optional(),
  shared: boolean().optional(),
  "prune-backups": parsed(parsePruneBackups).optional(),
  "max-protected-backups": integer(-1).optional(),
  server: textField().optional(),
  port: integer(1, 65535).optional(),
  namespace: textField(256).optional(),
  username: textField().optional(),
  password: textField(256).optional(),
  fingerprint: fingerprint().optional(),
  "encryption-key": textField().optional(),
  "create-base-path": boolean().optional(),
  "create-subdirs": boolean().optional(),
};

/** What a cluster may have; here only directories and backup servers can be added. */
const storageTypes = [
  ...[
    "btrfs",
    "cephfs",
    "cifs",
    "dir",
    "esxi",
    "iscsi",
    "iscsidirect",
    "lvm",
    "lvmthin",
    "nfs",
    "pbs",
    "rbd",
  ],
  ...["zfs", "zfspool"],
] as [string, ...string[]];

const required: Record<string, string[]> = {
  dir: ["path"],
  pbs: ["server", "datastore", "username", "password"],
};

/** Storage definitions of the cluster. */
export const storageRoutes: Route[] = [
  route({
    method: "GET",
    path: "/storage",
    params: { type: oneOf(storageTypes).optional() },
    run: (params, { sim, caller }) =>
      Object.entries(sim.store.state.storages)
        .filter(([id]) => mayList(caller, id))
        .filter(([, section]) => params.type === undefined || section.type === params.type)
        .map(([storage, section]) => ({ storage, ...section, digest: storageDigest(sim) })),
  }),
  route({
    method: "GET",
    path: "/storage/{storage}",
    params: { storage: storageId() },
    permit: (caller, params) => caller.require(`/storage/${params.storage}`, ["Datastore.Allocate"]),
    run: (params, { sim }) => {
      const section = existing(sim, params.storage);
      return { storage: params.storage, ...section, digest: storageDigest(sim) };
    },
  }),
  route({
    method: "POST",
    path: "/storage",
    params: {
      storage: storageId(),
      type: oneOf(["dir", "pbs"]),
      path: pattern(/^\/\S*$/).optional(),
      datastore: textField().optional(),
      ...changeable,
    },
    permit: (caller) => caller.require("/storage", ["Datastore.Allocate"]),
    run: async ({ storage, ...given }, { sim }) => {
      for (const name of required[given.type] ?? []) {
        if (given[name as keyof typeof given] === undefined) {
          throw parameterError({ [name]: "property is missing and it is not optional" });
        }
      }
      if (sim.store.state.storages[storage] !== undefined)
        throw failure(`storage ID '${storage}' already defined`);
      const content = given.content ?? (given.type === "pbs" ? "backup" : "images,rootdir");
      const { section, secrets, generated } = separateSecrets({ ...given, content });
      await writeStorageSecrets(sim, storage, secrets);
      await sim.store.update((state) => {
        if (state.storages[storage] !== undefined) throw failure(`storage ID '${storage}' already defined`);
        state.storages[storage] = section;
      });
      return {
        storage,
        type: given.type,
        ...(generated === undefined ? {} : { config: { "encryption-key": generated } }),
      };
    },
  }),
  route({
    method: "PUT",
    path: "/storage/{storage}",
    params: {
      storage: storageId(),
      ...changeable,
      delete: parsed(listOf(configId), 4096).optional(),
      digest: digest().optional(),
    },
    permit: (caller) => caller.require("/storage", ["Datastore.Allocate"]),
    run: async ({ storage, delete: removed, digest: expected, ...given }, { sim }) => {
      const before = existing(sim, storage);
      const { section, secrets, generated } = separateSecrets({ ...given, type: text(before.type) });
      await sim.store.update((state) => {
        if (expected !== undefined && expected !== sectionDigest(state.storages)) {
          throw failure("detected modified configuration - file changed by other user? Try again.");
        }
        const target = state.storages[storage];
        if (target === undefined) throw failure(`storage '${storage}' does not exist`);
        for (const key of splitList(removed)) {
          if (!(key in changeable))
            throw parameterError({ delete: `unable to delete required option '${key}'` });
          delete target[key];
        }
        Object.assign(target, section);
      });
      const forgotten = splitList(removed).filter((key) => key === "encryption-key" || key === "password");
      if (forgotten.length > 0) await forgetStorageSecrets(sim, storage, forgotten);
      await writeStorageSecrets(sim, storage, secrets);
      return {
        storage,
        type: before.type,
        ...(generated === undefined ? {} : { config: { "encryption-key": generated } }),
      };
    },
  }),
  route({
    method: "DELETE",
    path: "/storage/{storage}",
    params: { storage: storageId() },
    permit: (caller) => caller.require("/storage", ["Datastore.Allocate"]),
    run: async ({ storage }, { sim }) => {
      existing(sim, storage);
      await sim.store.update((state) => {
        delete state.storages[storage];
      });
      await removeStorageSecrets(sim, storage);
    },
  }),
];

function existing(sim: Simulator, storage: string): Section {
  const section = sim.store.state.storages[storage];
  if (section === undefined) throw new ApiError(500, `storage '${storage}' does not exist`);
  return section;
}

function storageDigest(sim: Simulator): string {
  return sectionDigest(sim.store.state.storages);
}

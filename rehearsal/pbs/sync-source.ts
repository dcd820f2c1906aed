import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type BackupTarget, Connection, callApi } from "./backup-connection.ts";
import { readChunk } from "./chunks.ts";
import { contentOf } from "./frames.ts";
import { openStore, owns } from "./groups.ts";
import { type Server, storeAclPath, textOf } from "./route.ts";
import { findSnapshot, listNamespaces, listSnapshots } from "./snapshots.ts";
import type { Section } from "./state.ts";
import { localUser } from "./sync-filter.ts";

/** A backup at the source of a synchronisation. */
export interface SourceSnapshot {
  readonly type: "vm" | "ct" | "host";
  readonly id: string;
  readonly time: number;
  readonly verified: boolean;
  readonly encrypted: boolean;
}

/** Where a synchronisation reads from. */
export interface SyncSource {
  /** `remote/store`, or the datastore of this server. */
  readonly name: string;
  namespaces(parent: string, maxDepth: number): Promise<string[]>;
  snapshots(ns: string): Promise<SourceSnapshot[]>;
  file(ns: string, snapshot: SourceSnapshot, filename: string): Promise<Buffer>;
  /** The chunks of an archive in the given order. Fails at one that is missing or damaged. */
  chunks(
    ns: string,
    snapshot: SourceSnapshot,
    filename: string,
    digests: readonly string[],
  ): AsyncGenerator<Buffer>;
}

/** What a job that pulls reads: a remote, or a datastore of the same server as its owner may. */
export function sourceOf(server: Server, job: Section): SyncSource {
  const store = textOf(job, "remote-store");
  if (job.remote === undefined) return localSource(server, store, localUser(job));
  return remoteSource(remoteTarget(server, job), `${job.remote}/${store}`);
}

/** The datastore on the other server that a job names. Fails where there is no such remote. */
export function remoteTarget(server: Server, job: Section): BackupTarget {
  const remote = server.store.state.remote[textOf(job, "remote")];
  if (!remote) throw new Error(`no such remote '${job.remote}'`);
  return {
    server: textOf(remote, "host"),
    port: Number(remote.port ?? 8007),
    ...(remote.fingerprint === undefined ? {} : { fingerprint: textOf(remote, "fingerprint") }),
    datastore: textOf(job, "remote-store"),
    username: textOf(remote, "auth-id"),
    password: textOf(remote, "password"),
  };
}

interface Listed {
  readonly "backup-type": SourceSnapshot["type"];
  readonly "backup-id": string;
  readonly "backup-time": number;
  readonly verification?: { readonly state: string };
  readonly fingerprint?: string;
}

function remoteSource(target: BackupTarget, name: string): SyncSource {
  const connectionTo = (namespace: string) => new Connection({ ...target, namespace });
  return {
    name,
    async namespaces(parent, maxDepth) {
      const found = await callApi(target, "GET", "namespace", { parent, "max-depth": String(maxDepth) });
      return (found as { ns: string }[]).map(({ ns }) => ns);
    },
    async snapshots(ns) {
      return ((await callApi(target, "GET", "snapshots", { ns })) as Listed[]).map((item) => ({
        type: item["backup-type"],
        id: item["backup-id"],
        time: item["backup-time"],
        verified: item.verification?.state === "ok",
        encrypted: item.fingerprint !== undefined,
      }));
    },
    async file(ns, snapshot, filename) {
      const connection = connectionTo(ns);
      try {
        return await connection.file(snapshot, filename);
      } finally {
        connection.close();
      }
    },
    async *chunks(ns, snapshot, filename, digests) {
      const connection = connectionTo(ns);
      try {
        const wanted = { ...connection.key(snapshot), digests };
        const answer = await connection.send("POST", `/sim/reader/chunks/${filename}`, wanted);
        yield* contentOf(answer.body, digests);
      } finally {
        connection.close();
      }
    },
  };
}

/** A datastore of this server: everything for who may read it, for others what they own and may back up. */
export function localSource(server: Server, name: string, user: string): SyncSource {
  const { root } = openStore(server, name);
  const may = (ns: string, privilege: "Datastore.Read" | "Datastore.Backup") =>
    server.access.has(user, storeAclPath({ store: name, ns }), [privilege]);
  return {
    name,
    async namespaces(parent, maxDepth) {
      const all = await listNamespaces(root, parent, maxDepth);
      return all.filter((ns) => may(ns, "Datastore.Read") || may(ns, "Datastore.Backup"));
    },
    async snapshots(ns) {
      const all = await listSnapshots(root, ns);
      const everything = may(ns, "Datastore.Read");
      const readable = all.filter(({ owner }) => everything || owns(owner, user));
      return readable.map(({ type, id, time, manifest }) => ({
        type: type as SourceSnapshot["type"],
        id,
        time,
        verified: manifest?.unprotected?.verify_state?.state === "ok",
        encrypted: manifest?.unprotected?.["key-fingerprint"] !== undefined,
      }));
    },
    async file(ns, snapshot, filename) {
      const found = await findSnapshot(root, ns, snapshot);
      if (!found) throw new Error("no such snapshot");
      return readFile(join(found.folder, filename));
    },
    async *chunks(_ns, _snapshot, _filename, digests) {
      for (const digest of digests) yield await readChunk(root, digest);
    },
  };
}

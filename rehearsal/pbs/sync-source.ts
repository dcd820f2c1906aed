import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { textOf as bodyOf } from "../lib/https.ts";
import { Connection } from "./backup-connection.ts";
import { readChunk } from "./chunks.ts";
import { contentOf } from "./frames.ts";
import { openStore } from "./groups.ts";
import { type Server, textOf } from "./route.ts";
import { findSnapshot, listNamespaces, listSnapshots } from "./snapshots.ts";
import type { Section } from "./state.ts";

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

/** The other side of a job: a remote, or a datastore of the same server. */
export function sourceOf(server: Server, job: Section): SyncSource {
  const store = textOf(job, "remote-store");
  if (job.remote === undefined) return localSource(server, store);
  const remote = server.store.state.remote[textOf(job, "remote")];
  if (!remote) throw new Error(`no such remote '${job.remote}'`);
  return remoteSource(remote, store);
}

interface Listed {
  readonly "backup-type": SourceSnapshot["type"];
  readonly "backup-id": string;
  readonly "backup-time": number;
  readonly verification?: { readonly state: string };
  readonly fingerprint?: string;
}

function remoteSource(remote: Section, datastore: string): SyncSource {
  const connectionTo = (namespace: string) =>
    new Connection({
      server: textOf(remote, "host"),
      port: Number(remote.port ?? 8007),
      ...(remote.fingerprint === undefined ? {} : { fingerprint: textOf(remote, "fingerprint") }),
      datastore,
      namespace,
      username: textOf(remote, "auth-id"),
      password: textOf(remote, "password"),
    });
  const get = async (call: string, query: Record<string, string>): Promise<unknown> => {
    const connection = connectionTo("");
    try {
      const path = `/api2/json/admin/datastore/${encodeURIComponent(datastore)}/${call}`;
      const answer = await connection.send("GET", `${path}?${new URLSearchParams(query)}`);
      return (JSON.parse(await bodyOf(answer)) as { data: unknown }).data;
    } finally {
      connection.close();
    }
  };
  return {
    name: `${remote.name}/${datastore}`,
    async namespaces(parent, maxDepth) {
      const found = await get("namespace", { parent, "max-depth": String(maxDepth) });
      return (found as { ns: string }[]).map(({ ns }) => ns);
    },
    async snapshots(ns) {
      return ((await get("snapshots", { ns })) as Listed[]).map((item) => ({
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

function localSource(server: Server, name: string): SyncSource {
  const { root } = openStore(server, name);
  return {
    name,
    namespaces: (parent, maxDepth) => listNamespaces(root, parent, maxDepth),
    async snapshots(ns) {
      return (await listSnapshots(root, ns)).map(({ type, id, time, manifest }) => ({
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

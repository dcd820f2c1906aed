import { readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { isMissing } from "../lib/files.ts";

/**
 * Backups in a datastore's folder, laid out as the product does:
 * `[ns/<name>/…]<type>/<id>/<time>/{index.json.blob, <archives>}`, the owner in the group's file `owner`, a protected
 * backup marked by `.protected`. The index is the manifest as plain JSON.
 */
export interface Snapshot {
  readonly folder: string;
  readonly type: string;
  readonly id: string;
  /** Seconds since 1970. */
  readonly time: number;
  readonly owner: string | undefined;
  readonly protected: boolean;
  readonly files: readonly { readonly filename: string; readonly size: number }[];
  /** Undefined when it is missing or broken. */
  readonly manifest: Manifest | undefined;
}

interface Manifest {
  readonly files: readonly {
    readonly filename: string;
    readonly size: number;
    readonly "crypt-mode"?: string;
  }[];
  readonly signature?: string;
  readonly unprotected?: {
    readonly notes?: string;
    readonly verify_state?: { readonly state: "ok" | "failed"; readonly upid: string };
    readonly "key-fingerprint"?: string;
  };
}

const types = ["vm", "ct", "host"];

/** All backups of one namespace, newest first. */
export async function listSnapshots(root: string, namespace = ""): Promise<Snapshot[]> {
  const base = namespaceFolder(root, namespace);
  const snapshots: Snapshot[] = [];
  for (const type of types) {
    for (const id of await folders(join(base, type))) {
      const owner = await textOf(join(base, type, id, "owner"));
      for (const name of await folders(join(base, type, id))) {
        const time = Date.parse(name) / 1000;
        if (!Number.isInteger(time)) continue;
        const folder = join(base, type, id, name);
        const files = await filesOf(folder);
        snapshots.push({
          folder,
          type,
          id,
          time,
          owner: owner?.trim(),
          protected: files.some(({ filename }) => filename === ".protected"),
          files: files.filter(({ filename }) => !filename.startsWith(".")),
          manifest: await manifestOf(folder),
        });
      }
    }
  }
  return snapshots.sort((a, b) => b.time - a.time);
}

/** A namespace and those below it, down to a number of levels. */
export async function listNamespaces(root: string, namespace: string, depth: number): Promise<string[]> {
  const found = [namespace];
  if (depth === 0) return found;
  for (const name of await folders(join(namespaceFolder(root, namespace), "ns"))) {
    found.push(...(await listNamespaces(root, namespace ? `${namespace}/${name}` : name, depth - 1)));
  }
  return found;
}

export async function removeSnapshot(snapshot: Snapshot): Promise<void> {
  await rm(snapshot.folder, { recursive: true, force: true });
}

/** Where a namespace of a datastore lies. */
export function namespaceFolder(root: string, namespace: string): string {
  return join(root, ...namespace.split("/").flatMap((name) => (name === "" ? [] : ["ns", name])));
}

async function folders(path: string): Promise<string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function filesOf(folder: string): Promise<{ filename: string; size: number }[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async ({ name }) => ({ filename: name, size: (await stat(join(folder, name))).size })),
  );
}

async function manifestOf(folder: string): Promise<Manifest | undefined> {
  const text = await textOf(join(folder, "index.json.blob"));
  if (text === undefined) return undefined;
  try {
    const manifest = JSON.parse(text) as Manifest;
    return Array.isArray(manifest.files) ? manifest : undefined;
  } catch {
    return undefined;
  }
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

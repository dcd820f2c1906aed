import { readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { isMissing, writeJson } from "../lib/files.ts";
import { type ArchiveIndex, type Manifest, manifestName, timeName, type Unprotected } from "./archive.ts";

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
        snapshots.push(
          await snapshotIn(join(base, type, id, name), { type, id, time, owner: owner?.trim() }),
        );
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

/** One backup; undefined when it is not there. */
export async function findSnapshot(
  root: string,
  namespace: string,
  { type, id, time }: Pick<Snapshot, "type" | "id" | "time">,
): Promise<Snapshot | undefined> {
  const group = join(namespaceFolder(root, namespace), type, id);
  const folder = join(group, timeName(time));
  try {
    return await snapshotIn(folder, { type, id, time, owner: (await textOf(join(group, "owner")))?.trim() });
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Who owns a group of backups; undefined where there is no such group. */
export async function groupOwner(
  root: string,
  namespace: string,
  type: string,
  id: string,
): Promise<string | undefined> {
  return (await textOf(join(namespaceFolder(root, namespace), type, id, "owner")))?.trim();
}

/** Which chunks an archive of a backup consists of. Fails where the index is missing or broken. */
export async function readIndex(snapshot: Snapshot, filename: string): Promise<ArchiveIndex> {
  return JSON.parse(await readFile(join(snapshot.folder, filename), "utf8")) as ArchiveIndex;
}

/** Changes what of a manifest may change after the backup. Fails where there is no manifest. */
export async function changeUnprotected(
  { folder }: Snapshot,
  change: (unprotected: Unprotected) => Unprotected,
): Promise<void> {
  const manifest = await manifestOf(folder);
  if (!manifest) throw new Error(`unable to load blob '${join(folder, manifestName)}'`);
  await writeJson(join(folder, manifestName), {
    ...manifest,
    unprotected: change(manifest.unprotected ?? {}),
  });
}

/** The root namespace always exists. */
export async function namespaceExists(root: string, namespace: string): Promise<boolean> {
  if (namespace === "") return true;
  try {
    return (await stat(namespaceFolder(root, namespace))).isDirectory();
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Every group's folder in a datastore. */
export async function groupFolders(root: string): Promise<string[]> {
  const found: string[] = [];
  for (const namespace of await listNamespaces(root, "", 7)) {
    const base = namespaceFolder(root, namespace);
    for (const type of types) {
      found.push(...(await folders(join(base, type))).map((id) => join(base, type, id)));
    }
  }
  return found;
}

export async function removeSnapshot(snapshot: Snapshot): Promise<void> {
  await rm(snapshot.folder, { recursive: true, force: true });
}

/** Removes a group with its owner and all that is in it. */
export async function removeGroup(root: string, namespace: string, type: string, id: string): Promise<void> {
  await rm(join(namespaceFolder(root, namespace), type, id), { recursive: true, force: true });
}

/** Where a namespace of a datastore lies. */
export function namespaceFolder(root: string, namespace: string): string {
  return join(root, ...namespace.split("/").flatMap((name) => (name === "" ? [] : ["ns", name])));
}

/** The names of the folders in a folder; none where it is missing. */
export async function folders(path: string): Promise<string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function snapshotIn(
  folder: string,
  known: Pick<Snapshot, "type" | "id" | "time" | "owner">,
): Promise<Snapshot> {
  const files = await filesOf(folder);
  return {
    folder,
    ...known,
    protected: files.some(({ filename }) => filename === ".protected"),
    files: files.filter(({ filename }) => !filename.startsWith(".")),
    manifest: await manifestOf(folder),
  };
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
  const text = await textOf(join(folder, manifestName));
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

import { randomBytes } from "node:crypto";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { readJson, writeJson } from "../lib/files.ts";

/** JSON values of one kind, one file each, named by uid. */
export interface Collection<T> {
  get(uid: string): Promise<T | undefined>;
  all(): Promise<T[]>;
  put(uid: string, value: T): Promise<void>;
  remove(uid: string): Promise<void>;
}

/** Grafana's rule for uids; it also keeps them inside their folder. */
export const uidPattern = /^[A-Za-z0-9_-]{1,40}$/;

/** A uid as Grafana makes one. */
export function newUid(): string {
  return randomBytes(7).toString("hex");
}

/** Opens the collection in a folder, making that where needed. */
export async function openCollection<T>(folder: string): Promise<Collection<T>> {
  await mkdir(folder, { recursive: true });
  const fileOf = (uid: string) => {
    if (!uidPattern.test(uid)) throw new Error(`"${uid}" is no uid: letters, digits, - and _, at most 40`);
    return join(folder, `${uid}.json`);
  };
  const read = async (path: string) => (await readJson(path)) as T | undefined;
  return {
    get: async (uid) => (uidPattern.test(uid) ? read(fileOf(uid)) : undefined),
    all: async () => {
      const names = (await readdir(folder)).filter((name) => name.endsWith(".json") && !name.startsWith("."));
      const values = await Promise.all(names.sort().map((name) => read(join(folder, name))));
      return values.filter((value) => value !== undefined);
    },
    put: (uid, value) => writeJson(fileOf(uid), value),
    remove: (uid) => rm(fileOf(uid), { force: true }),
  };
}

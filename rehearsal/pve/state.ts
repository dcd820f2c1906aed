import { join } from "node:path";
import { z } from "zod";
import { readJson, writeJson } from "../lib/files.ts";
import { accessSchema, noAccess } from "./access.ts";
import type { SimulatorConfig } from "./config.ts";

/** A configuration section as the product stores it: flags are 0 and 1. */
export const sectionSchema = z.record(z.string(), z.union([z.string(), z.number()]));

/** See {@link sectionSchema}. */
export type Section = z.infer<typeof sectionSchema>;

const snapshotSchema = z.object({
  /** Of the VM at that moment. */
  config: sectionSchema,
  images: z.record(z.string(), z.string()),
  /** Unix time in seconds. */
  snaptime: z.number(),
  description: z.string().optional(),
  /** The snapshot before it. */
  parent: z.string().optional(),
});

/** One snapshot of a virtual machine. */
export type Snapshot = z.infer<typeof snapshotSchema>;

const vmSchema = z.object({
  node: z.string(),
  config: sectionSchema,
  /** Disk (scsi0) → SHA-256 of the image that it was imported from. */
  images: z.record(z.string(), z.string()),
  /** Unix time in seconds of the last start. */
  startedAt: z.number().optional(),
  /** Configuration at the last start: what was changed since may wait for the next one. */
  runningConfig: sectionSchema.optional(),
  snapshots: z.record(z.string(), snapshotSchema).optional(),
});

/** One virtual machine. */
export type Vm = z.infer<typeof vmSchema>;

const stateSchema = z.object({
  version: z.literal(1),
  /** storage id → section, `type` included. */
  storages: z.record(z.string(), sectionSchema),
  vms: z.record(z.string(), vmSchema),
  /** In the order they were made. */
  backupJobs: z.array(sectionSchema),
  pools: z.record(z.string(), z.object({ comment: z.string().optional(), vmids: z.array(z.number()) })),
  /** Backup job → Unix time in seconds up to which its schedule was looked at. */
  jobRuns: z.record(z.string(), z.number()).default({}),
  offlineNodes: z.array(z.string()).default([]),
  access: accessSchema.default(noAccess),
});

/** All that the simulated cluster knows, apart from files and running guests. */
export type ClusterState = z.infer<typeof stateSchema>;

/** The cluster's state on disk: every change is complete and durable before it is answered. */
export class Store {
  readonly #path: string;
  #state: ClusterState;
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(path: string, state: ClusterState) {
    this.#path = path;
    this.#state = state;
  }

  /** Opens the state of a folder; a new cluster begins with the configured storages. */
  static async open(folder: string, config: SimulatorConfig): Promise<Store> {
    const path = join(folder, "state.json");
    const found = await readJson(path);
    if (found !== undefined) return new Store(path, stateSchema.parse(found));
    const storages: ClusterState["storages"] = {};
    for (const { storage, ...section } of config.storages) storages[storage] = sectionSchema.parse(section);
    const store = new Store(
      path,
      stateSchema.parse({ version: 1, storages, vms: {}, backupJobs: [], pools: {} }),
    );
    await store.update(() => undefined);
    return store;
  }

  /** The present state; never change it here. */
  get state(): Readonly<ClusterState> {
    return this.#state;
  }

  /** Applies a change to a copy, writes it and then makes it the present state. A change that throws changes nothing. */
  update<T>(change: (state: ClusterState) => T): Promise<T> {
    const next = this.#queue.then(async () => {
      const copy = structuredClone(this.#state);
      const result = change(copy);
      await writeJson(this.#path, copy, { mode: 0o600 });
      this.#state = copy;
      return result;
    });
    this.#queue = next.catch(() => undefined);
    return next;
  }
}

/** Turns checked parameters into a stored section: flags become 0 and 1, what is not given is left out. */
export function toSection(values: Record<string, unknown>): Section {
  const section: Section = {};
  for (const [key, value] of Object.entries(values)) {
    if (typeof value === "boolean") section[key] = value ? 1 : 0;
    else if (typeof value === "string" || typeof value === "number") section[key] = value;
    else if (Array.isArray(value)) section[key] = value.join(",");
  }
  return section;
}

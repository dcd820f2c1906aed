import { textOf } from "../lib/https.ts";
import { type BackupTarget, Connection, callApi, type SnapshotId } from "./backup-connection.ts";

/** A backup that the other server has. */
export interface TargetSnapshot {
  readonly time: number;
  readonly protected: boolean;
}

export interface TargetGroup {
  /** `vm/100` */
  readonly name: string;
  readonly owner: string | undefined;
}

/** The datastore on another server that backups are pushed to, as whoever the remote logs in as. */
export class PushTarget {
  /** `remote/store` */
  readonly name: string;
  readonly #target: BackupTarget;

  constructor(target: BackupTarget, name: string) {
    this.#target = target;
    this.name = name;
  }

  /** Whom everything will belong to that is pushed. */
  get user(): string {
    return this.#target.username;
  }

  async namespaces(): Promise<string[]> {
    return ((await callApi(this.#target, "GET", "namespace")) as { ns: string }[]).map(({ ns }) => ns);
  }

  async createNamespace(ns: string): Promise<void> {
    const [name = "", ...above] = ns.split("/").toReversed();
    const parent = above.length === 0 ? undefined : above.toReversed().join("/");
    await callApi(this.#target, "POST", "namespace", { name, parent });
  }

  async removeNamespace(ns: string): Promise<void> {
    const all = { ns, "delete-groups": "1", "error-on-protected": "0" };
    await callApi(this.#target, "DELETE", "namespace", all);
  }

  async groups(ns: string): Promise<TargetGroup[]> {
    const found = (await callApi(this.#target, "GET", "groups", { ns })) as {
      readonly "backup-type": string;
      readonly "backup-id": string;
      readonly owner?: string;
    }[];
    return found.map((group) => ({
      name: `${group["backup-type"]}/${group["backup-id"]}`,
      owner: group.owner,
    }));
  }

  /** @returns how many protected backups were kept */
  async removeGroup(ns: string, group: string): Promise<number> {
    const form = { ...keyOf(ns, group), "error-on-protected": "0" };
    const removed = await callApi(this.#target, "DELETE", "groups", form);
    return (removed as { readonly "protected-snapshots": number })["protected-snapshots"];
  }

  async snapshots(ns: string, group: string): Promise<TargetSnapshot[]> {
    const found = (await callApi(this.#target, "GET", "snapshots", keyOf(ns, group))) as {
      readonly "backup-time": number;
      readonly protected: boolean;
    }[];
    return found.map((item) => ({ time: item["backup-time"], protected: item.protected }));
  }

  async removeSnapshot(ns: string, group: string, time: number): Promise<void> {
    await callApi(this.#target, "DELETE", "snapshots", {
      ...keyOf(ns, group),
      "backup-time": String(time),
    });
  }

  /** Begins a backup there; it ends with `finish`, or with `abort` and then leaves nothing. */
  async begin(namespace: string, snapshot: SnapshotId): Promise<PushUpload> {
    const connection = new Connection({ ...this.#target, namespace });
    try {
      const { id, previous, held } = await connection.begin(snapshot);
      return new PushUpload(connection, id, new Set(previous), () => held.body.destroy());
    } catch (error) {
      connection.close();
      throw error;
    }
  }
}

/** A backup while it is pushed: its files go as they are stored, so that what is encrypted stays so. */
export class PushUpload {
  /** What the other server has already and need not be sent. */
  readonly known: Set<string>;
  readonly #connection: Connection;
  readonly #path: string;
  readonly #release: () => void;
  #open = true;

  constructor(connection: Connection, id: string, known: Set<string>, release: () => void) {
    this.#connection = connection;
    this.#path = `/sim/backup/${id}`;
    this.known = known;
    this.#release = release;
  }

  async chunk(digest: string, content: Buffer): Promise<void> {
    await this.#connection.data(`${this.#path}/chunk/${digest}`, content, "application/octet-stream");
    this.known.add(digest);
  }

  async index(filename: string, index: object): Promise<void> {
    await this.#connection.data(`${this.#path}/index`, { filename, ...index });
  }

  async blob(filename: string, content: Buffer): Promise<void> {
    await this.#connection.data(`${this.#path}/blob/${filename}`, content, "application/octet-stream");
  }

  async finish(manifest: object): Promise<void> {
    await this.#connection.data(`${this.#path}/finish`, manifest);
    this.#close();
  }

  /** Nothing stays behind; the other server answers when it has removed everything. Ignored after {@link finish}. */
  async abort(): Promise<void> {
    if (!this.#open) return;
    try {
      await textOf(await this.#connection.send("DELETE", this.#path));
    } catch {
      return;
    } finally {
      this.#close();
    }
  }

  #close(): void {
    this.#open = false;
    this.#release();
    this.#connection.close();
  }
}

function keyOf(ns: string, group: string): Record<string, string> {
  const [type = "", id = ""] = group.split("/");
  return { ns, "backup-type": type, "backup-id": id };
}

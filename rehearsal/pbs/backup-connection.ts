import { type Answer, HttpsCaller, textOf } from "../lib/https.ts";
import {
  type ArchiveIndex,
  type Manifest,
  type ManifestFile,
  manifestName,
  snapshotName,
} from "./archive.ts";
import type { Encryption } from "./encryption.ts";
import { contentOf } from "./frames.ts";

/** Where backups go, and as whom. */
export interface BackupTarget {
  readonly server: string;
  readonly port: number;
  /** SHA-256 of the server's certificate. */
  readonly fingerprint?: string;
  /** PEM of the authority that signed it. */
  readonly caCertificate?: string;
  readonly datastore: string;
  /** The root namespace where left out. */
  readonly namespace?: string;
  /** `user@realm!token` */
  readonly username: string;
  /** The token's secret. */
  readonly password: string;
  /** 32 bytes; content is encrypted before it leaves, and the server never sees the key. */
  readonly encryptionKey?: Buffer;
}

/** Names one backup of a namespace. */
export interface SnapshotId {
  readonly type: "vm" | "ct" | "host";
  readonly id: string;
  /** Seconds since 1970. */
  readonly time: number;
}

/** What the server refused, in its words. */
export class BackupRefused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Calls to one server as one caller. */
export class Connection {
  readonly target: BackupTarget;
  readonly #caller: HttpsCaller;

  constructor(target: BackupTarget) {
    this.target = target;
    this.#caller = new HttpsCaller({ host: target.server, port: target.port }, target);
  }

  /** As the interface of the simulators names a backup. */
  key({ type, id, time }: SnapshotId) {
    const { datastore, namespace } = this.target;
    return {
      store: datastore,
      ns: namespace ?? "",
      "backup-type": type,
      "backup-id": id,
      "backup-time": time,
    };
  }

  async send(
    method: string,
    path: string,
    body?: object | string,
    type = "application/json",
  ): Promise<Answer> {
    const content = Buffer.isBuffer(body) || typeof body === "string" ? body : JSON.stringify(body);
    const headers = {
      authorization: `PBSAPIToken=${this.target.username}:${this.target.password}`,
      ...(content === undefined
        ? {}
        : { "content-type": type, "content-length": Buffer.byteLength(content) }),
    };
    const answer = await this.#caller.call(method, path, headers, content);
    if (answer.status === 200) return answer;
    throw new BackupRefused(answer.status, (await textOf(answer)).trim() || `HTTP ${answer.status}`);
  }

  async data(path: string, body: object, type?: string): Promise<unknown> {
    return (JSON.parse(await textOf(await this.send("POST", path, body, type))) as { data: unknown }).data;
  }

  /** Begins a backup; it lives as long as the answer's connection. */
  async begin(snapshot: SnapshotId): Promise<{ id: string; previous: string[]; held: Answer }> {
    const held = await this.send("POST", "/sim/backup", this.key(snapshot));
    // Its end is of no interest: every call of the backup fails then.
    held.body.on("error", () => undefined);
    const source = held.body[Symbol.asyncIterator]();
    let line = "";
    while (!line.endsWith("\n")) {
      const next = await source.next();
      if (next.done) throw new Error("the server ended the backup before it began");
      line += next.value.toString("utf8");
    }
    return { ...(JSON.parse(line) as { id: string; previous: string[] }), held };
  }

  async file(snapshot: SnapshotId, filename: string): Promise<Buffer> {
    const answer = await this.send("POST", `/sim/reader/file/${filename}`, this.key(snapshot));
    const parts: Buffer[] = [];
    for await (const part of answer.body) parts.push(part);
    return Buffer.concat(parts);
  }

  async manifest(snapshot: SnapshotId): Promise<Manifest> {
    const text = (await this.file(snapshot, manifestName)).toString("utf8");
    try {
      return JSON.parse(text) as Manifest;
    } catch {
      throw new Error(`the manifest of ${nameOf(snapshot)} is damaged`);
    }
  }

  async *archive(
    snapshot: SnapshotId,
    filename: string,
    stored: Buffer,
    file: ManifestFile,
    encryption: Encryption | undefined,
  ): AsyncGenerator<Uint8Array> {
    try {
      const { digests } = JSON.parse(stored.toString("utf8")) as ArchiveIndex;
      const answer = await this.send("POST", `/sim/reader/chunks/${filename}`, this.key(snapshot));
      let size = 0;
      for await (const chunk of contentOf(answer.body, digests)) {
        const content = encryption ? encryption.open(chunk) : chunk;
        size += content.length;
        yield content;
      }
      if (size !== file.size) throw new Error(`${filename} has ${size} bytes instead of ${file.size}`);
    } finally {
      this.close();
    }
  }

  close(): void {
    this.#caller.close();
  }
}

/** One call of the API about the target's datastore, `snapshots` for example. @throws BackupRefused */
export async function callApi(
  target: BackupTarget,
  method: "GET" | "POST" | "PUT" | "DELETE",
  call: string,
  parameters: Readonly<Record<string, string | undefined>> = {},
): Promise<unknown> {
  const connection = new Connection(target);
  try {
    const given = Object.entries(parameters).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    );
    const form = new URLSearchParams(given).toString();
    const path = `/api2/json/admin/datastore/${encodeURIComponent(target.datastore)}/${call}`;
    const inBody = method === "PUT" || method === "POST";
    const answer = await connection.send(
      method,
      inBody || form === "" ? path : `${path}?${form}`,
      inBody ? form : undefined,
      "application/x-www-form-urlencoded",
    );
    return (JSON.parse(await textOf(answer)) as { data: unknown }).data;
  } finally {
    connection.close();
  }
}

export function nameOf({ type, id, time }: SnapshotId): string {
  return snapshotName({ "backup-type": type, "backup-id": id, "backup-time": time });
}

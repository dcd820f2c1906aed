import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";

/** The state of the server behind the proxy that decisions depend on; see facts.py. */
export interface Facts {
  readonly account: string;
  readonly users: readonly {
    readonly arn: string;
    readonly keys: readonly { readonly id: string; readonly secret: string; readonly active: boolean }[];
    readonly policies: readonly string[];
  }[];
  /** KMS keys by ARN. */
  readonly keys: Readonly<
    Record<
      string,
      { readonly id: string; readonly region: string; readonly state: string; readonly policy: string }
    >
  >;
  /** SNS topics by ARN. */
  readonly topics: Readonly<Record<string, { readonly policy: string; readonly kmsKey: string | null }>>;
  readonly buckets: Readonly<Record<string, BucketFacts>>;
}

export interface BucketFacts {
  readonly region: string;
  readonly policy: string | null;
  /** Whether object lock is on. */
  readonly locked: boolean;
  /** The key that objects are encrypted with by default. */
  readonly kmsKey: string | null;
  readonly topics: readonly { readonly arn: string; readonly events: readonly string[] }[];
  readonly lifecycle: readonly {
    readonly status: string;
    readonly prefix: string;
    readonly transitions: readonly { readonly days: number; readonly storageClass: string }[];
  }[];
}

export interface ObjectFacts {
  readonly versionId: string | null;
  readonly storageClass: string;
  readonly kmsKey: string | null;
  readonly lockMode: string | null;
  readonly lockUntil: string | null;
  readonly legalHold: boolean;
  readonly size: number;
  readonly etag: string;
}

export interface UploadFacts {
  readonly checksumAlgorithm: string | null;
  readonly kmsKey: string | null;
}

export interface ListedObject {
  readonly key: string;
  readonly versionId: string | null;
  readonly storageClass: string;
  readonly size: number;
  readonly modified: string;
}

/** A version of an object; the newest where none is given. */
export interface ObjectId {
  readonly bucket: string;
  readonly key: string;
  readonly versionId?: string | undefined;
}

export interface Forwarded {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Readable;
}

/** The server behind the proxy. It serves whoever holds the token, so each request must have been judged before. */
export class Moto {
  private readonly url: URL;
  private readonly token: string;
  private readonly agent = new Agent({ keepAlive: true });
  private cached: Promise<Facts> | undefined;

  constructor(url: string, token: string) {
    this.url = new URL(url);
    this.token = token;
  }

  /** Read again only after a change: all changes pass here. */
  facts(): Promise<Facts> {
    this.cached ??= this.get("/_facts", {}) as Promise<Facts>;
    // A failure is not remembered.
    this.cached.catch(() => this.forget());
    return this.cached;
  }

  forget(): void {
    this.cached = undefined;
  }

  async object({ bucket, key, versionId }: ObjectId): Promise<ObjectFacts | undefined> {
    return (
      ((await this.get("/_facts/object", { bucket, key, version: versionId })) as ObjectFacts | null) ??
      undefined
    );
  }

  async upload(bucket: string, upload: string): Promise<UploadFacts | undefined> {
    return ((await this.get("/_facts/upload", { bucket, upload })) as UploadFacts | null) ?? undefined;
  }

  async objects(bucket: string): Promise<readonly ListedObject[]> {
    return ((await this.get("/_facts/objects", { bucket })) as readonly ListedObject[] | null) ?? [];
  }

  async setReadable({ bucket, key, versionId }: ObjectId): Promise<void> {
    await this.get("/_facts/readable", { bucket, key, version: versionId });
  }

  async setStorageClass({ bucket, key, versionId }: ObjectId, storageClass: string): Promise<void> {
    await this.get("/_facts/storage-class", { bucket, key, version: versionId, class: storageClass });
  }

  /** Sends a request on; fails where the connection does. */
  forward({ method, path, headers, body }: Forwarded): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const outgoing = httpRequest(
        {
          host: this.url.hostname,
          port: this.url.port,
          agent: this.agent,
          method,
          path,
          headers: { ...headers, host: this.url.host, "x-proxy-token": this.token },
        },
        resolve,
      );
      outgoing.once("error", reject);
      if (body === undefined) outgoing.end();
      else {
        body.once("error", (error) => outgoing.destroy(error));
        body.pipe(outgoing);
      }
    });
  }

  close(): void {
    this.agent.destroy();
  }

  private async get(path: string, query: Readonly<Record<string, string | undefined>>): Promise<unknown> {
    const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const response = await this.forward({
      method: "GET",
      path: `${path}?${new URLSearchParams(given)}`,
      headers: {},
    });
    const body = await text(response);
    if (response.statusCode !== 200 && response.statusCode !== 404)
      throw new Error(`the S3 server answered ${path} with ${response.statusCode}: ${body.slice(0, 500)}`);
    return JSON.parse(body);
  }
}

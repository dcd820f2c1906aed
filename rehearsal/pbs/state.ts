import { createHash, randomUUID } from "node:crypto";
import { join } from "node:path";
import { readJson, writeJson } from "../lib/files.ts";
import { ApiError } from "./errors.ts";
import type { GcStatus } from "./gc-work.ts";
import type { ParameterValue } from "./parameters.ts";

/** A section of a configuration file: property → value, as the API names them. */
export type Section = Record<string, ParameterValue>;

type Sections = Record<string, Section>;

interface AclEntry {
  readonly path: string;
  readonly ugid: string;
  readonly ugid_type: "user" | "group";
  readonly roleid: string;
  readonly propagate: boolean;
}

/** Everything the server remembers beside tasks and backups. Secrets are kept as hashes. */
export interface State {
  datastore: Sections;
  prune: Sections;
  verification: Sections;
  sync: Sections;
  remote: Sections;
  s3: Sections;
  "traffic-control": Sections;
  metrics: Sections;
  notifications: Sections;
  user: { users: Record<string, Section>; tokens: Record<string, Section> };
  acl: AclEntry[];
  secrets: Record<string, string>;
  /** Signs logins. */
  authKey: string;
  /** Job id, with its kind before it → the UPID of its last run. */
  lastRuns: Record<string, string>;
  /** The same key → when it last began or was first seen, in seconds since 1970: from then on it becomes due. */
  scheduledFrom: Record<string, number>;
  /** By datastore, what its last garbage collection came to. */
  gcStatus: Record<string, GcStatus>;
}

/** A configuration file that holds nothing but named sections. */
export type SectionFile =
  | "datastore"
  | "prune"
  | "verification"
  | "sync"
  | "remote"
  | "s3"
  | "traffic-control"
  | "metrics"
  | "notifications";

export type ConfigFile = SectionFile | "user" | "acl";

/** What a fresh installation notifies with. */
export const builtinNotifications: Readonly<Record<string, Section>> = {
  "mail-to-root": {
    "section-type": "sendmail",
    name: "mail-to-root",
    "mailto-user": ["root@pam"],
    comment: "Send mails to root@pam's email address",
    origin: "builtin",
  },
  "default-matcher": {
    "section-type": "matcher",
    name: "default-matcher",
    mode: "all",
    target: ["mail-to-root"],
    comment: "Route all notifications to mail-to-root",
    origin: "builtin",
  },
};

const empty: State = {
  datastore: {},
  prune: {},
  verification: {},
  sync: {},
  remote: {},
  s3: {},
  "traffic-control": {},
  metrics: {},
  notifications: builtinNotifications,
  user: { users: { "root@pam": { userid: "root@pam" } }, tokens: {} },
  acl: [],
  secrets: {},
  authKey: "",
  lastRuns: {},
  scheduledFrom: {},
  gcStatus: {},
};

/** The state in one file, which every change replaces before it counts. */
export class Store {
  #state: State;
  readonly #path: string;
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(path: string, state: State) {
    this.#path = path;
    this.#state = state;
  }

  static async open(folder: string): Promise<Store> {
    const path = join(folder, "state.json");
    const stored = (await readJson(path)) as Partial<State> | undefined;
    const store = new Store(path, { ...structuredClone(empty), ...stored });
    if (store.state.authKey === "") {
      await store.remember((state) => {
        state.authKey = randomUUID();
      });
    }
    return store;
  }

  get state(): Readonly<State> {
    return this.#state;
  }

  /** SHA-256 of a configuration file's content. */
  digest(file: ConfigFile): string {
    return createHash("sha256").update(JSON.stringify(this.#state[file])).digest("hex");
  }

  /** Refuses a digest that the caller knows and that the file has not any more. @throws ApiError */
  compareDigest(file: ConfigFile, digest: ParameterValue | undefined): void {
    if (digest !== undefined && digest !== this.digest(file)) {
      throw new ApiError(400, "detected modified configuration - file changed by other user? Try again.");
    }
  }

  /** Applies a change when the file still has the digest that the caller knows, if the caller gave one. */
  change(file: ConfigFile, digest: ParameterValue | undefined, apply: (state: State) => void): Promise<void> {
    return this.#enqueue(async () => {
      this.compareDigest(file, digest);
      await this.#write(apply);
    });
  }

  /** Changes what is not configuration, and so has no digest. */
  remember(apply: (state: State) => void): Promise<void> {
    return this.#enqueue(() => this.#write(apply));
  }

  async #write(apply: (state: State) => void): Promise<void> {
    const next = structuredClone(this.#state);
    apply(next);
    await writeJson(this.#path, next, { mode: 0o600 });
    this.#state = next;
  }

  #enqueue(work: () => Promise<void>): Promise<void> {
    const turn = this.#queue.then(work, work);
    this.#queue = turn.catch(() => undefined);
    return turn;
  }
}

export function hashSecret(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

import { privilegeHint } from "./privileges.ts";
import { smallestRoleFor } from "./roles.ts";

/** An answer of Proxmox Backup Server that is not a success. */
export class PbsError extends Error {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** What the server said, as it said it. */
  readonly reason: string;
  /** What the server said about single parameters, by their names in the API. */
  readonly parameters: Readonly<Record<string, string>>;

  constructor(method: string, path: string, status: number, body: string, tokenId: string) {
    const { reason, parameters } = readRefusal(body);
    const advice = hint(status, reason, method, path, tokenId);
    const said = advice === "" ? reason : reason.replace(/\.$/, "");
    super(
      `Proxmox Backup Server refused ${method} ${path} (HTTP ${status}): ${said || "it gave no reason"}${advice}`,
    );
    this.name = "PbsError";
    this.method = method;
    this.path = path;
    this.status = status;
    this.reason = reason;
    this.parameters = parameters;
  }
}

/** Whether the object that a call names does not exist (any more). */
export function isGone(error: unknown): boolean {
  if (!(error instanceof PbsError)) return false;
  // Only some handlers answer 404; the others answer 400, as for every mistake, with one of these sentences.
  return error.status === 404 || (error.status === 400 && /^no such |does not exist\.?$/.test(error.reason));
}

/** Whether a creation failed because an object of that name exists. */
export function existsAlready(error: unknown): boolean {
  return error instanceof PbsError && /already exists\.?$/.test(error.reason);
}

/** Whether the configuration changed between reading it and writing it back. */
export function isConflict(error: unknown): boolean {
  return error instanceof PbsError && error.reason.startsWith("detected modified configuration");
}

interface Refusal {
  readonly reason: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** The server answers with plain text; a proxy or its `extjs` formatter with JSON. */
function readRefusal(body: string): Refusal {
  const text = body.trim();
  const json = parseJson(text);
  if (json) {
    const parameters = stringsOf(json.errors);
    const details = Object.entries(parameters).map(([name, why]) => `'${name}': ${why}`);
    const message = typeof json.message === "string" ? json.message.trim() : "";
    return { reason: [message, ...details].filter(Boolean).join(" - "), parameters };
  }
  const parameters: Record<string, string> = {};
  if (/^parameter verification failed/i.test(text)) {
    for (const match of text.matchAll(/(?:^|- )'([^']+)': (.+)$/gm)) {
      if (match[1] && match[2]) parameters[match[1]] = match[2];
    }
  }
  return { reason: text, parameters };
}

function hint(status: number, reason: string, method: string, path: string, tokenId: string): string {
  if (status === 401 && /disabled or expired/.test(reason)) {
    return `; give the token ${tokenId} or its user a later expiry (\`proxmox-backup-manager user list-tokens ${userOf(tokenId)}\` shows it), or make a new token`;
  }
  if (status === 401) {
    return `; check that the token ${tokenId} exists, is enabled and not expired, and that tokenSecret is the value shown when it was made`;
  }
  if (status === 502 || status === 503 || status === 504) {
    return "; the server is starting, or overloaded: try again in a minute";
  }
  // "missing permissions 'A&B' on '/path'" where a path is checked, "missing A|B on /path" where also owners may.
  const missing = /missing (?:permissions )?'?([A-Za-z.|&]+)'? on '?(\/[^'\s]*)/.exec(reason);
  if (missing) return grantHint(tokenId, missing[1] ?? "", missing[2] ?? "/");
  // What a sync job needs depends on the job, which is not known here, and the server does not name it.
  if (/^permission check failed\.?$/.test(reason) && /^\/config\/sync(\/|$)/.test(path)) {
    return `; ${tokenId} needs what the job itself needs, both the token and its user: ${syncNeeds}`;
  }
  if (status === 403) {
    const needed = privilegeHint(method, path);
    return needed ? grantHint(tokenId, needed.privilege, needed.path) : "";
  }
  return "";
}

/** As the API's description has it for each direction. */
const syncNeeds =
  "to pull, Datastore.Backup on the datastore and Remote.Read on /remote/{remote}/{remoteStore}, with removeVanished also Datastore.Prune, " +
  "and with an owner other than itself (root@pam where none is set) also Datastore.Modify; to push, Datastore.Audit and Datastore.Read on the datastore, " +
  "Datastore.Modify for another owner's backups, and Remote.DatastoreBackup on /remote/{remote}/{remoteStore}, with removeVanished the role RemoteDatastoreAdmin there; " +
  "to see the job, Datastore.Audit and Remote.Audit";

function grantHint(tokenId: string, privilege: string, path: string): string {
  const role = smallestRoleFor(privilege);
  return (
    `; ${tokenId} needs ${privilege.replaceAll("|", " or ").replaceAll("&", " and ")} on ${path}, both the token and its user ` +
    `(role ${role}): proxmox-backup-manager acl update ${path} ${role} --auth-id '${tokenId}', and the same with '${userOf(tokenId)}'`
  );
}

/** `name@realm!token` → `name@realm`. */
function userOf(tokenId: string): string {
  return tokenId.split("!")[0] ?? tokenId;
}

function parseJson(text: string): Record<string, unknown> | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function stringsOf(value: unknown): Record<string, string> {
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([name, why]) => [name, String(why)]));
}

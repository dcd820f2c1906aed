import { setTimeout as sleep } from "node:timers/promises";
import { PbsError } from "./error.ts";
import { ConnectionError, exchange, type HttpAnswer, type HttpRequest, type Trust } from "./http.ts";

/** How to reach a Proxmox Backup Server. */
export interface ClientOptions extends Trust {
  /** For example `https://backup.example.org:8007`. */
  readonly url: string;
  /** For example `root@pam!pulumi`. */
  readonly tokenId: string;
  readonly tokenSecret: string;
  /** For one request, retries not included. Default 30. */
  readonly timeoutSeconds?: number;
}

type Scalar = string | number | boolean;
export type ParameterValue = Scalar | readonly Scalar[];
/** Parameters by their names in the API; undefined ones are left out, an array is repeated. */
export type Parameters = Readonly<Record<string, ParameterValue | undefined>>;

export interface Answer {
  readonly data: unknown;
  /** Of the configuration file that the answer was read from, where the API gives one. */
  readonly digest: string | undefined;
  /** Length of a list of which only a part was asked for. */
  readonly total: number | undefined;
}

/** The server's configuration files, each with a digest of its own. */
export type ConfigFile =
  | "datastore"
  | "prune"
  | "verification"
  | "sync"
  | "remote"
  | "s3"
  | "notifications"
  | "traffic-control"
  | "metrics"
  | "user"
  | "acl";

// The server may quote a parameter that it refuses, and these are secrets wherever they occur in the API.
const secretParameters = ["password", "secret-key", "token", "secret"];

const retries = 3;
const firstPauseMs = 250;

/** Calls the API of one server with one API token. */
export class PbsClient {
  readonly url: string;
  readonly tokenId: string;
  readonly #server: URL;
  readonly #options: ClientOptions;
  readonly #queues = new Map<ConfigFile, Promise<unknown>>();

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#server = new URL(options.url);
    this.url = this.#server.origin;
    this.tokenId = options.tokenId;
  }

  /** Repeated after a pause when the server is away or answers with a 5xx status. */
  async get(path: string, parameters: Parameters = {}, signal?: AbortSignal): Promise<Answer> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#call("GET", path, parameters, signal);
      } catch (error) {
        const passing =
          error instanceof ConnectionError || (error instanceof PbsError && error.status >= 500);
        if (!passing || attempt === retries) throw error;
      }
      await sleep(firstPauseMs * 2 ** attempt, undefined, signal ? { signal } : {});
    }
  }

  post(path: string, parameters: Parameters = {}, signal?: AbortSignal): Promise<Answer> {
    return this.#call("POST", path, parameters, signal);
  }

  put(path: string, parameters: Parameters = {}, signal?: AbortSignal): Promise<Answer> {
    return this.#call("PUT", path, parameters, signal);
  }

  delete(path: string, parameters: Parameters = {}, signal?: AbortSignal): Promise<Answer> {
    return this.#call("DELETE", path, parameters, signal);
  }

  /**
   * Runs work on one configuration file after all earlier work on it. The engine updates resources side by side, and
   * without an order each would find its digest outdated by the others.
   */
  exclusive<T>(file: ConfigFile, work: () => Promise<T>): Promise<T> {
    const turn = (this.#queues.get(file) ?? Promise.resolve()).then(work, work);
    this.#queues.set(
      file,
      turn.catch(() => undefined),
    );
    return turn;
  }

  async #call(method: string, path: string, parameters: Parameters, signal?: AbortSignal): Promise<Answer> {
    const timeoutSeconds = this.#options.timeoutSeconds ?? 30;
    const timeout = AbortSignal.timeout(timeoutSeconds * 1000);
    let answer: HttpAnswer;
    try {
      answer = await exchange(
        this.#server,
        this.#options,
        this.#request(method, path, parameters),
        signal ? AbortSignal.any([signal, timeout]) : timeout,
      );
    } catch (error) {
      if (timeout.aborted && !signal?.aborted) {
        throw new Error(
          `${this.url} did not answer ${method} ${path} within ${timeoutSeconds} s; it may still be working on it (see its task list), or raise timeoutSeconds`,
        );
      }
      throw error;
    }
    if (answer.status < 200 || answer.status > 299) {
      throw new PbsError(
        method,
        path,
        answer.status,
        this.#withoutSecrets(answer.text, parameters),
        this.tokenId,
      );
    }
    return readAnswer(answer.text, method, path, this.url);
  }

  #request(method: string, path: string, parameters: Parameters): HttpRequest {
    const form = encodeParameters(parameters);
    const inBody = method === "POST" || method === "PUT";
    return {
      method,
      path: `/api2/json${path}${!inBody && form ? `?${form}` : ""}`,
      headers: {
        // A colon, where Proxmox VE has an equals sign.
        authorization: `PBSAPIToken=${this.tokenId}:${this.#options.tokenSecret}`,
        accept: "application/json",
        ...(inBody
          ? {
              "content-type": "application/x-www-form-urlencoded",
              "content-length": String(Buffer.byteLength(form)),
            }
          : {}),
      },
      body: inBody ? form : undefined,
    };
  }

  #withoutSecrets(text: string, parameters: Parameters): string {
    const secrets = [
      this.#options.tokenSecret,
      ...secretParameters.flatMap((name) => parameters[name] ?? []).map(String),
    ].filter((secret) => secret !== "");
    return secrets.reduce((clean, secret) => clean.replaceAll(secret, "[secret]"), text);
  }
}

/** A path of the API with every inserted value encoded. */
export function apiPath(parts: TemplateStringsArray, ...values: readonly string[]): string {
  return parts.reduce((path, part, index) => path + encodeURIComponent(values[index - 1] ?? "") + part);
}

/** As the server reads forms: booleans as 1 and 0, an array as its name repeated. */
function encodeParameters(parameters: Parameters): string {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined) continue;
    for (const item of typeof value === "object" ? value : [value]) {
      form.append(name, typeof item === "boolean" ? (item ? "1" : "0") : String(item));
    }
  }
  return form.toString();
}

function readAnswer(text: string, method: string, path: string, url: string): Answer {
  let json: { data?: unknown; digest?: unknown; total?: unknown } | null;
  try {
    json = JSON.parse(text);
  } catch {
    throw new Error(
      `${url} answered ${method} ${path} with something that is not JSON; is it a Proxmox Backup Server, and the url without a path?`,
    );
  }
  return {
    data: json?.data,
    digest: typeof json?.digest === "string" ? json.digest : undefined,
    total: typeof json?.total === "number" ? json.total : undefined,
  };
}

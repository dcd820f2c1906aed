import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";

/** The provider configuration that the stand-in takes. */
export const proxmoxConfigSchema = z.strictObject({
  endpoint: z.url(),
  /** `user@realm!name=secret` */
  apiToken: z.string().regex(/^[^!=]+![^!=]+=.+$/, "user@realm!name=secret"),
  insecure: z.literal(false, "the stand-in verifies certificates").default(false),
  /** The real provider copies snippets over SSH; the stand-in has another way and ignores this. */
  ssh: z.looseObject({}).optional(),
  version: z.string().optional(),
});

export type ProxmoxConfig = z.output<typeof proxmoxConfigSchema>;

type Parameters = Readonly<Record<string, string | number | boolean | undefined>>;

/** A refusal by the API, with its own words. */
export class ProxmoxError extends Error {
  /**
   * Whether the thing itself is not there. PVE answers that with 500 or 400 and only tells by its words. A refused
   * token or an unknown node must not count: the resource would be forgotten while it exists.
   */
  readonly isMissing: boolean;

  constructor(call: string, status: number, detail: string) {
    super(`${call}: ${status} ${detail}`);
    this.isMissing =
      (status === 500 || status === 400) &&
      /(configuration file|storage|volume) '[^']*' does not exist|no such job/i.test(detail);
  }
}

const taskStatus = z.object({ status: z.string(), exitstatus: z.string().optional() });

/** The PVE API as the real provider uses it. */
export class Proxmox {
  readonly #config: ProxmoxConfig;

  constructor(config: ProxmoxConfig) {
    this.#config = config;
  }

  get(path: string): Promise<unknown> {
    return this.#call("GET", path);
  }

  /** Undefined where what the path names does not exist. */
  async find(path: string): Promise<unknown> {
    try {
      return await this.get(path);
    } catch (error) {
      if (error instanceof ProxmoxError && error.isMissing) return undefined;
      throw error;
    }
  }

  post(path: string, parameters: Parameters = {}): Promise<unknown> {
    return this.#call("POST", path, parameters);
  }

  put(path: string, parameters: Parameters = {}): Promise<unknown> {
    return this.#call("PUT", path, parameters);
  }

  delete(path: string): Promise<unknown> {
    return this.#call("DELETE", path);
  }

  /**
   * Waits for a task. `WARNINGS: n` is a success whose log is shown; anything but that and `OK` is a failure with the
   * task's last log lines, and so is an answer that is no task: then nothing was done.
   */
  async finish(node: string, task: unknown, signal: AbortSignal): Promise<void> {
    if (typeof task !== "string" || !task.startsWith("UPID:")) {
      throw new Error(
        `the node ${node} answered ${JSON.stringify(task)} instead of a task: nothing was done`,
      );
    }
    const path = `/nodes/${node}/tasks/${encodeURIComponent(task)}`;
    for (;;) {
      const { status, exitstatus } = taskStatus.parse(await this.get(`${path}/status`));
      if (status === "stopped") {
        if (exitstatus === "OK") return;
        const message = `task ${task} ended with ${exitstatus ?? "no status"}:\n${await this.#logTail(path)}`;
        if (!exitstatus?.startsWith("WARNINGS")) throw new Error(message);
        // The engine shows what a provider writes there.
        process.stderr.write(`warning: ${message}\n`);
        return;
      }
      await sleep(150, undefined, { signal });
    }
  }

  async #logTail(path: string): Promise<string> {
    const log = z.array(z.object({ t: z.string() })).parse(await this.get(`${path}/log?limit=0`));
    return log
      .slice(-10)
      .map(({ t }) => t)
      .join("\n");
  }

  /** What the real provider does over SSH: the text of a snippet, on the node. */
  async putSnippet(node: string, storage: string, file: string, text: string): Promise<void> {
    await this.#send(
      "PUT",
      `/sim/nodes/${node}/snippets/${storage}/${file}`,
      text,
      "application/octet-stream",
    );
  }

  async snippet(node: string, storage: string, file: string): Promise<string | undefined> {
    try {
      return await this.#send("GET", `/sim/nodes/${node}/snippets/${storage}/${file}`);
    } catch (error) {
      if (error instanceof ProxmoxError && error.isMissing) return undefined;
      throw error;
    }
  }

  async deleteSnippet(node: string, storage: string, file: string): Promise<void> {
    if ((await this.snippet(node, storage, file)) === undefined) return;
    await this.#send("DELETE", `/sim/nodes/${node}/snippets/${storage}/${file}`);
  }

  async #call(method: string, path: string, parameters?: Parameters): Promise<unknown> {
    const form = parameters === undefined ? undefined : encode(parameters);
    const text = await this.#send(
      method,
      `/api2/json${path}`,
      form?.toString(),
      "application/x-www-form-urlencoded",
    );
    return (JSON.parse(text) as { data: unknown }).data;
  }

  async #send(method: string, path: string, body?: string, type?: string): Promise<string> {
    const response = await this.#fetch(method, path, body, type);
    const text = await response.text();
    if (response.ok) return text;
    throw new ProxmoxError(`${method} ${path}`, response.status, text || response.statusText);
  }

  #fetch(method: string, path: string, body?: string, type?: string): Promise<Response> {
    return fetch(new URL(path, this.#config.endpoint), {
      method,
      headers: {
        authorization: `PVEAPIToken=${this.#config.apiToken}`,
        ...(body === undefined || type === undefined ? {} : { "content-type": type }),
      },
      ...(body === undefined ? {} : { body }),
    });
  }
}

function encode(parameters: Parameters): URLSearchParams {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) form.set(name, typeof value === "boolean" ? (value ? "1" : "0") : String(value));
  }
  return form;
}

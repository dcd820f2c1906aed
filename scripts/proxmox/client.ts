import { readFile } from "node:fs/promises";
import { request } from "node:http";
import { isIP } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import * as z from "zod";
import { Failure, messageOf } from "../exit-codes.ts";
import { requirePrivateFile } from "../system/files.ts";
import type { Server } from "./config.ts";

/** Whose API it is: they differ in how a token is written. */
export type Product = "pve" | "pbs";

/** Asks one server's API. Nothing but GET is ever sent. */
export interface Api {
  /** What stands under `data`, checked. Throws an Error that names the call and what is wrong with the answer. */
  get<T>(path: string, answer: z.ZodType<T>, query?: Readonly<Record<string, string | number>>): Promise<T>;
}

interface Login {
  readonly authorization: string;
  readonly ca: string | undefined;
  readonly fingerprint: string | undefined;
}

/** Answers that are longer are no answers: what is listed at most are some thousand backups. */
const maximumBytes = 64 * 1024 ** 2;

/**
 * The API at the first endpoint that answers to the token.
 * @throws Failure `preflight` where a file of the login cannot be used; Error where no endpoint answers, with each one's reason
 */
export async function openApi(
  product: Product,
  server: Server,
  timeoutSeconds: number,
  signal: AbortSignal,
): Promise<Api> {
  const login = await readLogin(product, server);
  const failures: string[] = [];
  for (const endpoint of server.endpoints) {
    const api = apiAt(new URL(endpoint), login, timeoutSeconds, signal);
    try {
      await api.get("/version", z.looseObject({ version: z.string() }));
      return api;
    } catch (error) {
      signal.throwIfAborted();
      failures.push(messageOf(error));
    }
  }
  throw new Error(failures.join("; "));
}

async function readLogin(product: Product, server: Server): Promise<Login> {
  const { tokenFile, tokenId, caFile, fingerprint } = server;
  await requirePrivateFile(tokenFile, `${product}.tokenFile`);
  const secret = (await readFile(tokenFile, "utf8")).trim();
  if (!/^\S+$/.test(secret)) throw new Failure("preflight", `${tokenFile} holds no token's secret`);
  const ca =
    caFile === undefined
      ? undefined
      : await readFile(caFile, "utf8").catch((error: unknown) => {
          throw new Failure("preflight", `cannot use ${product}.caFile: ${messageOf(error)}`, {
            cause: error,
          });
        });
  const authorization =
    product === "pve" ? `PVEAPIToken=${tokenId}=${secret}` : `PBSAPIToken=${tokenId}:${secret}`;
  return { authorization, ca, fingerprint };
}

function apiAt(server: URL, login: Login, timeoutSeconds: number, signal: AbortSignal): Api {
  return {
    async get(path, answer, query = {}) {
      const form = new URLSearchParams(
        Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
      );
      const target = `/api2/json${path}${form.size === 0 ? "" : `?${form}`}`;
      const timeout = AbortSignal.timeout(timeoutSeconds * 1000);
      const call = `GET ${path} at ${server.origin}`;
      try {
        const text = await exchange(server, target, login, AbortSignal.any([signal, timeout]));
        return checked(answer, text);
      } catch (error) {
        signal.throwIfAborted();
        const reason = timeout.aborted ? `no answer within ${timeoutSeconds} s` : messageOf(error);
        throw new Error(`${call}: ${reason}`, { cause: error });
      }
    },
  };
}

function checked<T>(answer: z.ZodType<T>, text: string): T {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new Error("the answer is not JSON");
  }
  const parsed = z.object({ data: answer }).safeParse(body);
  if (parsed.success) return parsed.data.data;
  const [first] = parsed.error.issues;
  throw new Error(`the answer is not as it should be: ${first?.path.join(".")}: ${first?.message}`);
}

/** One call on a connection of its own. The certificate is checked before the token leaves. */
async function exchange(server: URL, target: string, login: Login, signal: AbortSignal): Promise<string> {
  const socket = await connectTrusted(server, login, signal);
  try {
    return await new Promise((resolve, reject) => {
      const outgoing = request(
        {
          path: target,
          headers: { authorization: login.authorization, host: server.host, connection: "close" },
          createConnection: () => socket,
          signal,
        },
        (answer) => {
          const chunks: Buffer[] = [];
          let bytes = 0;
          answer.on("data", (chunk: Buffer) => {
            bytes += chunk.length;
            if (bytes > maximumBytes) outgoing.destroy(new Error(`the answer is over ${maximumBytes} bytes`));
            else chunks.push(chunk);
          });
          answer.on("error", reject);
          answer.on("end", () => {
            const { statusCode: status = 0, statusMessage = "" } = answer;
            if (status === 200) resolve(Buffer.concat(chunks).toString("utf8"));
            else reject(new Error(`refused with ${status} ${statusMessage}`.trimEnd()));
          });
        },
      );
      outgoing.on("error", reject);
      outgoing.end();
    });
  } finally {
    socket.destroy();
  }
}

function connectTrusted(server: URL, { ca, fingerprint }: Login, signal: AbortSignal): Promise<TLSSocket> {
  signal.throwIfAborted();
  const host = server.hostname.replace(/^\[|\]$/g, "");
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port: Number(server.port || 443),
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(ca === undefined ? {} : { ca }),
      // With a fingerprint the certificate is compared below, which is stricter than any authority.
      rejectUnauthorized: fingerprint === undefined,
    });
    const abort = () => socket.destroy(signal.reason as Error);
    const fail = (error: Error) => {
      signal.removeEventListener("abort", abort);
      socket.destroy();
      reject(error);
    };
    signal.addEventListener("abort", abort, { once: true });
    socket.once("error", (error) => fail(new Error(`cannot connect: ${error.message}`, { cause: error })));
    socket.once("secureConnect", () => {
      const actual = socket.getPeerX509Certificate()?.fingerprint256 ?? "none";
      if (fingerprint !== undefined && actual.toLowerCase() !== fingerprint.toLowerCase()) {
        return fail(
          new Error(
            `the certificate's fingerprint is ${actual}, not ${fingerprint}: another server, or a renewed certificate`,
          ),
        );
      }
      signal.removeEventListener("abort", abort);
      resolve(socket);
    });
  });
}

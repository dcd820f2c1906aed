import { appendFileSync, mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Exchange } from "./api-check.ts";
import type { Product } from "./api-description.ts";

/** Names a folder in which simulated servers record their calls; without it they record nothing. */
export const callLogVariable = "LAB_CALL_LOG";

const recorded = z.object({
  method: z.string(),
  path: z.string(),
  parameters: z.record(z.string(), z.unknown()),
  status: z.int(),
  data: z.unknown().optional(),
});

/** What appends every call to the log of a product, without secrets; undefined where no log is wanted. */
export function openCallLog(product: Product): ((exchange: Exchange) => void) | undefined {
  const folder = process.env[callLogVariable];
  if (folder === undefined || folder === "") return undefined;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return (exchange) => {
    const line = `${JSON.stringify(withoutSecrets(exchange))}\n`;
    // Whole lines in the order of the answers, also when the process is killed.
    appendFileSync(fileOf(folder, product), line, { mode: 0o600 });
  };
}

/** The calls in a log; none where nothing was recorded. */
export async function readCallLog(folder: string, product: Product): Promise<Exchange[]> {
  const text = await readFile(fileOf(folder, product), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => recorded.parse(JSON.parse(line)));
}

function fileOf(folder: string, product: Product): string {
  return join(folder, `${product}.jsonl`);
}

const secretName = /^(?:access-key|CSRFPreventionToken)$|(?:password|secret|ticket|token|key)$/i;

/** What is secret on some paths only: what a guest reads and says, a token's secret, where a webhook leads. */
const secretOnPaths: readonly (readonly [path: RegExp, names: readonly string[]])[] = [
  [/\/agent\//, ["command", "input-data", "out-data", "err-data", "content"]],
  [/\/token\//, ["value"]],
  [/\/notifications\//, ["url", "body", "header"]],
];

/** The same call with every secret as stars, as many as it has characters. */
export function withoutSecrets(exchange: Exchange): Exchange {
  const here = secretOnPaths.flatMap(([path, names]) => (path.test(exchange.path) ? names : []));
  const isSecret = (name: string) => here.includes(name) || secretName.test(name);
  return {
    ...exchange,
    parameters: z.record(z.string(), z.unknown()).parse(hide(exchange.parameters, isSecret)),
    ...(exchange.data === undefined ? {} : { data: hide(exchange.data, isSecret) }),
  };
}

function hide(value: unknown, isSecret: (name: string) => boolean, hidden = false): unknown {
  if (typeof value === "string" && hidden) return "*".repeat(value.length);
  if (Array.isArray(value)) return value.map((each) => hide(each, isSecret, hidden));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, hide(each, isSecret, hidden || isSecret(name))]),
  );
}

import { readFile } from "node:fs/promises";
import * as z from "zod";
import { Failure, messageOf } from "../exit-codes.ts";

const absolutePath = z.string().startsWith("/", "must be an absolute path");

/** Where a server's API is, and how to log in to it. */
const serverSchema = z
  .strictObject({
    /** Asked in this order; the next one only where one does not answer. */
    endpoints: z.array(z.url({ protocol: /^https$/, error: "an https:// address" })).min(1),
    tokenId: z.string().regex(/^[^@!\s]+@[^@!\s]+![^@!\s]+$/, "a token id such as watch@pve!proxwatch"),
    /** The token's secret and nothing else, readable by its owner only. */
    tokenFile: absolutePath,
    /** PEM of the authority that vouches for the server. Default: those that the system knows. */
    caFile: absolutePath.optional(),
    /** SHA-256 of the server's certificate, `aa:bb:…`; then nothing else about the certificate is checked. */
    fingerprint: z
      .string()
      .regex(/^([0-9a-fA-F]{2}:){31}[0-9a-fA-F]{2}$/, "a SHA-256 fingerprint, aa:bb:…")
      .optional(),
  })
  .refine(({ caFile, fingerprint }) => caFile === undefined || fingerprint === undefined, {
    error: "either caFile or fingerprint: with a fingerprint no authority is asked",
  });

/** The configuration file of proxwatch. Unknown keys are refused, so that a typo cannot switch something off. */
export const configSchema = z
  .strictObject({
    /** The Proxmox VE cluster; each node may be an endpoint. */
    pve: serverSchema.optional(),
    /** The backup server. */
    pbs: serverSchema.optional(),
    /** VMID → what the guest is called in metrics. */
    guests: z.record(z.string().regex(/^[1-9][0-9]{2,8}$/, "a VMID"), z.string().min(1)).default({}),
    /** Storage → when it was last seen that its kept key fits, as Unix time in seconds; 0 where it never was. */
    keyEscrow: z.record(z.string().min(1), z.number().min(0)).default({}),
    /** File for node_exporter's textfile collector. */
    metricsFile: absolutePath.default("/var/lib/node_exporter/textfile/proxwatch.prom"),
    /** What a run has to know of those before it. */
    stateFile: absolutePath.default("/var/lib/proxwatch/state.json"),
    /** For one call. Default 20. */
    timeoutSeconds: z.int().min(1).max(600).default(20),
    /** How often backups and the logs of backup runs are listed, which is work for the servers. Default 300. */
    slowIntervalSeconds: z.int().min(0).default(300),
  })
  .refine(({ pve, pbs }) => pve !== undefined || pbs !== undefined, {
    error: "neither pve nor pbs: there is nothing to watch",
  });

export type ProxwatchConfig = z.input<typeof configSchema>;
export type Config = z.output<typeof configSchema>;
export type Server = z.output<typeof serverSchema>;

export const defaultConfigFile = "/etc/proxwatch/config.json";

/** Reads the configuration file. Fails as `usage`, naming each wrong path. */
export async function loadConfig(path: string): Promise<Config> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw new Failure("usage", `cannot read the configuration: ${messageOf(error)}`, { cause: error });
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Failure("usage", `${path} is not JSON: ${messageOf(error)}`, { cause: error });
  }
  const parsed = configSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    ({ path: at, message }) => `${at.length === 0 ? "(top)" : at.join(".")}: ${message}`,
  );
  throw new Failure("usage", `${path} is not a configuration of proxwatch:\n  ${problems.join("\n  ")}`);
}

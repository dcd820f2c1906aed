import { z } from "zod";
import { withMeta } from "../provider/meta.ts";
import type { ProviderDefinition } from "../provider/resource.ts";
import { PbsClient } from "./client.ts";
import { functions } from "./functions/index.ts";
import manifest from "./package.json" with { type: "json" };
import { resources } from "./resources/index.ts";

/** Whether an address says where a server is, and nothing else. */
function isOrigin(text: string): boolean {
  const { pathname, search, hash, username, password } = new URL(text);
  return pathname === "/" && `${search}${hash}${username}${password}` === "";
}

/** How the provider reaches its server. */
export const providerConfig = z.object({
  /** Without a path, for example `https://backup.example.org:8007`. */
  url: z
    .url({
      protocol: /^https$/,
      error: "url is an https address, for example https://backup.example.org:8007",
      abort: true,
    })
    .refine(
      isOrigin,
      "url is a host and a port alone; the provider adds /api2/json itself, and the token has properties of its own",
    ),
  /** The API token that acts, for example `root@pam!pulumi`. */
  tokenId: z
    .string('tokenId is missing; it is "name@realm!token", for example root@pam!pulumi')
    .regex(
      /^[^\s:/!]+@[^\s:/!]+![A-Za-z0-9_][A-Za-z0-9._-]*$/,
      'tokenId is "name@realm!token", for example root@pam!pulumi',
    ),
  /** The value that was shown when the token was made. */
  tokenSecret: withMeta(
    z
      .string("tokenSecret is missing; it is the value that was shown when the token was made")
      .min(1, "tokenSecret is the value that was shown when the token was made"),
    { secret: true },
  ),
  /** SHA-256 of the server's certificate, as `proxmox-backup-manager cert info` shows it. */
  fingerprint: z
    .string()
    .regex(/^([0-9a-f]{2}:?){31}[0-9a-f]{2}$/i, "fingerprint is 32 hexadecimal bytes, aa:bb:…")
    .optional(),
  /** PEM of the authority that signed the server's certificate, where the system does not know it. */
  caCertificate: z
    .string()
    .includes("-----BEGIN CERTIFICATE-----", "caCertificate is a PEM certificate")
    .optional(),
  /** For one request; tasks have time-outs of their own. */
  timeoutSeconds: z
    .number("timeoutSeconds is a number of seconds, for example 30")
    .positive("timeoutSeconds is a number of seconds, for example 30")
    .default(30),
});

export type ProviderConfig = z.output<typeof providerConfig>;

/** The provider for Proxmox Backup Server. */
export const pbs: ProviderDefinition<PbsClient, ProviderConfig> = {
  name: "pbs",
  version: manifest.version,
  config: providerConfig,
  connect: (config) => new PbsClient(config),
  resources,
  functions,
  // Only `pulumi package` asks for it, and making it takes the TypeScript compiler.
  schema: async () => (await import("./schema/schema.ts")).schemaText(pbs),
};

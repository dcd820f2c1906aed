import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { type EscrowRecord, escrowRecord } from "./backup/key-escrow.ts";
import { neededSecrets } from "./monitoring/alertmanager/secrets.ts";
import { fingerprint, httpUrl } from "./site/primitives.ts";
import type { Site } from "./site.ts";

const pem = z.string().regex(/^-----BEGIN CERTIFICATE-----\n/, "certificates in PEM");

const proxmox = z.strictObject({
  endpoint: httpUrl,
  /** The Unix account on the nodes over which cloud-init data is copied to them. Default root. */
  sshUsername: z.string().default("root"),
  /** The token with which the monitoring host looks at the cluster. Default `lab-watch@pve!proxwatch`. */
  watchTokenId: z
    .string()
    .regex(/^[^@!\s]+@[^@!\s]+![^@!\s]+$/, "a token id such as lab-watch@pve!proxwatch")
    .default("lab-watch@pve!proxwatch"),
  /** PEM of the authority that vouches for the nodes; absent where a known authority does. */
  certificateAuthority: pem.optional(),
});

const pbs = z.strictObject({
  endpoint: httpUrl,
  /** For example `root@pam!pulumi`. */
  tokenId: z.string().regex(/^[^@!\s]+@[^@!\s]+![^@!\s]+$/, "a token id such as root@pam!pulumi"),
  /** Of the server's certificate; absent where it is signed by a known authority. */
  fingerprint: fingerprint.optional(),
});

/** Only for a store that speaks the AWS API but is not AWS. */
const aws = z.strictObject({
  endpoint: httpUrl,
  /** PEM of the authority that vouches for it; absent where a known authority does. */
  certificateAuthority: pem.optional(),
});

const grafana = z.strictObject({ url: httpUrl });

/** Where a stack's services are and how to log in. It comes from `Pulumi.<stack>.yaml`. */
export interface Settings {
  readonly proxmox: z.output<typeof proxmox> & {
    readonly token: pulumi.Output<string>;
    /** Of the token with which the cluster is watched. */
    readonly watchTokenSecret: pulumi.Output<string>;
  };
  readonly pbs: z.output<typeof pbs> & { readonly tokenSecret: pulumi.Output<string> };
  readonly aws: {
    /** Absent where the archive is on AWS itself. */
    readonly store: z.output<typeof aws> | undefined;
    /** Absent where the standard AWS environment or profile is used. */
    readonly credentials:
      | { readonly accessKey: string; readonly secretKey: pulumi.Output<string> }
      | undefined;
  };
  /** Of a Grafana that the program does not install; absent where none is named. */
  readonly grafana: (z.output<typeof grafana> & { readonly token: pulumi.Output<string> }) | undefined;
  readonly smtpPassword: pulumi.Output<string> | undefined;
  /** Of the channels of alerts, by key; undefined where the stack does not have it. */
  readonly channelSecret: (key: string) => pulumi.Output<string> | undefined;
  /** Of the other server of a sync job, by the job's id. */
  readonly syncPassword: (id: string) => pulumi.Output<string> | undefined;
  /** The key file for the backups of a retention, kept from before or brought from another site. */
  readonly encryptionKey: (retention: string) => pulumi.Output<string> | undefined;
  /** When the kept keys of the backups were checked, as `lab keys check --record` wrote it. */
  readonly keyEscrow: EscrowRecord;
  /** What the stack's site has to know of the machine it is built on; handed to the site as it is. */
  readonly machine: unknown;
}

/**
 * Reads a stack's configuration.
 * @throws Error naming the key, what is wrong with it and the command that sets it.
 */
export function readSettings(config: pulumi.Config = new pulumi.Config()): Settings {
  const awsSettings = optionalObject(config, "aws", aws);
  const grafanaSettings = optionalObject(config, "grafana", grafana);
  const proxmoxSettings = object(config, "proxmox", proxmox);
  const accessKey = config.get("awsAccessKey");
  return {
    proxmox: {
      ...proxmoxSettings,
      token: config.requireSecret("proxmoxToken"),
      watchTokenSecret: tokenSecret(config, "proxmoxWatchTokenSecret", proxmoxSettings.watchTokenId),
    },
    pbs: { ...object(config, "pbs", pbs), tokenSecret: config.requireSecret("pbsTokenSecret") },
    aws: {
      store: awsSettings,
      credentials:
        accessKey === undefined ? undefined : { accessKey, secretKey: config.requireSecret("awsSecretKey") },
    },
    grafana:
      grafanaSettings === undefined
        ? undefined
        : { ...grafanaSettings, token: config.requireSecret("grafanaToken") },
    smtpPassword: config.getSecret("smtpPassword"),
    channelSecret: (key) => config.getSecret(key),
    syncPassword: (id) => config.getSecret(`syncPassword-${id}`),
    encryptionKey: (retention) => config.getSecret(`encryptionKey-${retention}`),
    keyEscrow: optionalObject(config, "keyEscrow", escrowRecord) ?? {},
    machine: config.getObject("machine"),
  };
}

/**
 * Secrets that the site needs and the stack does not have.
 * @throws RunError naming each with the command that sets it.
 */
export function requireSecretsOf(site: Site, settings: Settings): void {
  const missing = [
    ...neededSecrets(site)
      .filter(({ key }) => settings.channelSecret(key) === undefined)
      .map(({ key, why }) => [key, why]),
    ...site.pbs.sync
      .filter(({ id }) => settings.syncPassword(id) === undefined)
      .map(({ id, remote }) => [
        `syncPassword-${id}`,
        `sync job ${id} logs in to ${remote.host} as ${remote.tokenId}`,
      ]),
  ];
  const texts = missing.map(
    ([key, why]) => `${key} is missing: ${why}; set it with \`pulumi config set --secret ${key}\``,
  );
  if (settings.grafana === undefined && !site.monitoring.grafana.install) {
    texts.push(
      "grafana.url is missing: the site does not have a Grafana installed (monitoring.grafana.install); set it with `pulumi config set --path grafana.url VALUE`",
    );
  }
  if (texts.length > 0) throw new pulumi.RunError(texts.join("\n"));
}

/** Of a token whose id is written apart from it; `pveum` and the web interface show both. */
function tokenSecret(config: pulumi.Config, key: string, tokenId: string): pulumi.Output<string> {
  const secret = config.getSecret(key);
  if (secret === undefined) {
    throw new pulumi.RunError(
      `${key} is missing: the monitoring host looks at the cluster with the token ${tokenId}; make it as the README says under "Accounts" and set its secret with \`pulumi config set --secret ${key}\``,
    );
  }
  return secret.apply((text) => {
    if (/^[^\s=!@]+$/.test(text)) return text;
    throw new pulumi.RunError(
      `${key} is no token's secret: set what \`pveum user token add\` shows as \`value\`, without the token's id, with \`pulumi config set --secret ${key}\``,
    );
  });
}

function object<T>(config: pulumi.Config, key: string, schema: z.ZodType<T>): T {
  return parse(config, key, schema, config.requireObject(key));
}

function optionalObject<T>(config: pulumi.Config, key: string, schema: z.ZodType<T>): T | undefined {
  const value = config.getObject(key);
  return value === undefined ? undefined : parse(config, key, schema, value);
}

function parse<T>(config: pulumi.Config, key: string, schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map(
    ({ path, message }) =>
      `${[key, ...path.map(String)].join(".")}: ${message}; set it with \`pulumi config set --path '${config.name}:${[key, ...path.map(String)].join(".")}' VALUE\``,
  );
  throw new pulumi.RunError(problems.join("\n"));
}

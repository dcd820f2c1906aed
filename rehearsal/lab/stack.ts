import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { isMissing, writeFileAtomic } from "../lib/files.ts";
import type { MirrorEntry } from "../mirror/registry.ts";
import type { Engine } from "./engine.ts";
import { checkout, type Instance } from "./instance.ts";
import { pbsTokenId, ports, pveTokenId, pveWatchSecret, recordSshPort } from "./services.ts";

export const project = "astronomy-lab";
export const rehearsalStack = "rehearsal";

export interface StackValues {
  readonly image: MirrorEntry;
  /** By the site's names: node, prometheus, alertmanager, nodeExporter, postgresExporter. */
  readonly binaries: Readonly<Record<string, MirrorEntry & { readonly version: string }>>;
  readonly pbsFingerprint: string;
  /** PEM of the authority that vouches for the services on the host. */
  readonly certificateAuthority: string;
}

/** The stacks that there are programs for. */
export async function stackNames(): Promise<string[]> {
  const files = await readdir(join(checkout, "stacks"));
  return files.flatMap((name) => (name.endsWith(".ts") ? name.slice(0, -".ts".length) : [])).sort();
}

/** Makes the stack if there is none, and brings its configuration to what this machine offers. */
export async function configureStack(engine: Engine, instance: Instance, values: StackValues): Promise<void> {
  const file = join(instance.root, "stacks", `Pulumi.${rehearsalStack}.yaml`);
  const stacks = JSON.parse(await engine.run(["stack", "ls", "--json"])) as { readonly name: string }[];
  if (!stacks.some(({ name }) => name === rehearsalStack)) {
    // A configuration that is left over belongs to a stack that is gone: its secrets cannot be decrypted any more.
    await writeFileAtomic(file, "config: {}\n");
    await engine.run(["stack", "init", rehearsalStack, "--secrets-provider", "passphrase"]);
  }
  const present = await readConfig(file);
  for (const [key, secret] of Object.entries(secretsOf(instance))) {
    // Through standard input: arguments can be read by every user of the machine.
    if (!(`${project}:${key}` in present.config))
      await engine.run(["config", "set", "--secret", key], { input: secret });
  }
  const stored = await readConfig(file);
  await writeFileAtomic(
    file,
    stringify({ ...stored, config: { ...stored.config, ...plainConfig(instance, values) } }),
  );
}

/** Of the lab's channels. The sinks ask for none of them, but take what comes as the services would. */
const channelSecrets = {
  slackToken: "xoxb-rehearsal",
  "pagerdutyKey-on-call": "rehearsal-on-call",
  "pagerdutyKey-second-on-call": "rehearsal-second-on-call",
};

function secretsOf({ secrets }: Instance): Record<string, string> {
  return {
    proxmoxToken: `${pveTokenId}=${secrets.pveToken}`,
    proxmoxWatchTokenSecret: pveWatchSecret(secrets),
    pbsTokenSecret: secrets.pbsToken,
    grafanaToken: secrets.grafanaToken,
    awsSecretKey: secrets.awsSecretKey,
    ...channelSecrets,
  };
}

function plainConfig(
  instance: Instance,
  { image, binaries, pbsFingerprint, certificateAuthority }: StackValues,
): Record<string, unknown> {
  const { hostAddress, secrets } = instance;
  const mirror = `http://${hostAddress}:${ports.mirror}`;
  const s3Endpoint = `https://${hostAddress}:${ports.s3}`;
  const artifact = ({ file, sha256 }: MirrorEntry) => ({ url: `${mirror}/${file}`, sha256 });
  const config = {
    proxmox: { endpoint: `https://${hostAddress}:${ports.pve}`, certificateAuthority },
    pbs: {
      endpoint: `https://${hostAddress}:${ports.pbs}`,
      tokenId: pbsTokenId,
      fingerprint: pbsFingerprint,
    },
    aws: { endpoint: s3Endpoint, certificateAuthority },
    awsAccessKey: secrets.awsAccessKey,
    grafana: { url: `http://${hostAddress}:${ports.grafana}` },
    machine: {
      network: hostAddress.split(".").slice(0, 3).join("."),
      image: artifact(image),
      binaries: Object.fromEntries(
        Object.entries(binaries).map(([name, binary]) => [
          name,
          { version: binary.version, ...artifact(binary) },
        ]),
      ),
      smarthost: `${hostAddress}:${ports.smtp}`,
      webhookUrl: `http://${hostAddress}:${ports.webhook}/alerts`,
      pbs: { address: hostAddress, port: ports.pbs },
      ...(instance.guests === "records" ? { sshPort: recordSshPort } : {}),
    },
  };
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [`${project}:${key}`, value]));
}

/** What the configuration of a checkout's stack says of the machine that it is built on; undefined before `up`. */
export async function machineOf(root: string, stack: string): Promise<unknown> {
  const { config } = await readConfig(join(root, "stacks", `Pulumi.${stack}.yaml`));
  return config[`${project}:machine`];
}

interface StackFile {
  readonly config: Record<string, unknown>;
}

async function readConfig(file: string): Promise<StackFile> {
  try {
    const content = (parse(await readFile(file, "utf8")) ?? {}) as Partial<StackFile>;
    return { ...content, config: content.config ?? {} };
  } catch (error) {
    if (isMissing(error)) return { config: {} };
    throw error;
  }
}

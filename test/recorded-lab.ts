import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../infra/settings.ts";
import { parseSite, type Site } from "../infra/site.ts";
import lab from "../stacks/lab.ts";
import { type Recorded, recordResources } from "./mocks.ts";

/** What the program makes of the stack `lab` in an engine that only writes down. */
export interface RecordedLab {
  readonly site: Site;
  readonly outputs: pulumi.Inputs;
  readonly resources: readonly Recorded[];
  ofType(type: string): Recorded[];
  /** The inputs of one resource. */
  named(type: string, name: string): Recorded["inputs"];
}

let recorded: Promise<RecordedLab> | undefined;

/** Made once for all tests that look at it. */
export function recordedLab(): Promise<RecordedLab> {
  recorded ??= record();
  return recorded;
}

const secret = (text: string) => pulumi.secret(text);

async function record(): Promise<RecordedLab> {
  const site = parseSite(lab());
  const resources = await recordResources(({ type, name }) => {
    if (type === "hosts:index:SshKey")
      return { privateKey: `PRIVATE ${name}`, publicKey: `ssh-ed25519 ${name}` };
    if (type === "hosts:index:GuestImages") return { kept: {} };
    if (type === "hosts:index:Password")
      return {
        value: name.endsWith("-backups")
          ? `passphrase of ${name}`.replaceAll(" ", "-")
          : "generated-password",
        bcryptHash: "bcrypt-of-password",
      };
    if (/^hosts:index:Certificate/.test(type))
      return { certificate: `CERTIFICATE ${name}`, privateKey: `KEY ${name}`, notAfter: "2027-01-01" };
    if (type === "pbs:index:ApiToken") return { tokenId: "lab-pve@pbs!nodes", value: "token-secret" };
    if (type === "proxmoxve:storage/pbs:Pbs") return { generatedEncryptionKey: `key of ${name}` };
    if (type === "aws:s3/bucket:Bucket") return { arn: `arn:aws:s3:::${name}` };
    if (type === "aws:kms/key:Key")
      return { arn: "arn:aws:kms:eu-central-1:123456789012:key/key", keyId: "key" };
    if (type === "aws:sns/topic:Topic") return { arn: `arn:aws:sns:eu-central-1:123456789012:${name}` };
    if (type === "aws:iam/accessKey:AccessKey") return { secret: "aws-secret" };
    return {};
  });
  const { buildLab } = await import("../infra/program.ts");
  const settings: Settings = {
    proxmox: {
      endpoint: "https://pve:8006",
      sshUsername: "root",
      token: secret("t"),
      watchTokenId: "lab-watch@pve!proxwatch",
      watchTokenSecret: secret("t"),
    },
    pbs: {
      endpoint: "https://pbs:8007",
      tokenId: "root@pam!pulumi",
      tokenSecret: secret("t"),
      fingerprint: undefined,
    },
    aws: {
      store: { endpoint: "https://store:9000", certificateAuthority: "AUTHORITY" },
      credentials: undefined,
    },
    grafana: { url: "https://grafana", token: secret("t") },
    smtpPassword: undefined,
    channelSecret: secret,
    syncPassword: () => undefined,
    encryptionKey: () => undefined,
    keyEscrow: {},
    machine: undefined,
  };
  const outputs = await buildLab(site, settings);
  await pulumi.runtime.disconnect();
  const ofType = (type: string) => resources.filter((resource) => resource.type === type);
  return {
    site,
    outputs,
    resources,
    ofType,
    named(type, name) {
      const found = ofType(type).find((resource) => resource.name === name);
      if (!found)
        throw new Error(`no ${type} ${name} among ${ofType(type).map((resource) => resource.name)}`);
      return found.inputs;
    },
  };
}

import * as pulumi from "@pulumi/pulumi";
import { beforeAll, expect, it } from "vitest";
import type { Settings } from "../../infra/settings.ts";
import { parseSite } from "../../infra/site.ts";
import { type Recorded, recordResources } from "../../test/mocks.ts";
import { mostResourcesAGuest } from "./bounds.ts";
import { syntheticSite } from "./synthetic.ts";

/** Two equal steps, from where each of the seven nodes has its image. */
const sizes = [8, 16, 24] as const;
const step = 8;
const counts = new Map<number, number>();

beforeAll(async () => {
  const recorded: Recorded[] = await recordResources(({ type, name }) => ({
    privateKey: `PRIVATE ${name}`,
    publicKey: `ssh-ed25519 ${name}`,
    kept: {},
    certificate: `CERTIFICATE ${name}`,
    notAfter: "2027-01-01",
    value: "generated-and-long-enough-for-a-passphrase",
    bcryptHash: "generated",
    generatedEncryptionKey: "generated",
    secret: "generated",
    tokenId: "lab-pve@pbs!nodes",
    keyId: "key",
    ...(type.startsWith("aws:") ? { arn: `arn:aws:any:eu-central-1:123456789012:${name}` } : {}),
  }));
  const { buildLab } = await import("../../infra/program.ts");
  const token = pulumi.secret("token");
  const settings: Settings = {
    proxmox: {
      endpoint: "https://pve:8006",
      sshUsername: "root",
      token,
      watchTokenId: "lab-watch@pve!proxwatch",
      watchTokenSecret: token,
    },
    pbs: {
      endpoint: "https://pbs:8007",
      tokenId: "root@pam!pulumi",
      tokenSecret: token,
      fingerprint: undefined,
    },
    aws: { store: undefined, credentials: undefined },
    grafana: { url: "https://grafana", token },
    smtpPassword: undefined,
    channelSecret: (key) => pulumi.secret(key),
    syncPassword: () => undefined,
    encryptionKey: () => undefined,
    keyEscrow: {},
    machine: undefined,
  };
  for (const guests of sizes) {
    recorded.length = 0;
    await buildLab(parseSite(syntheticSite(guests)), settings);
    await pulumi.runtime.disconnect();
    counts.set(guests, recorded.filter(({ type }) => !/^(pulumi|lab):/.test(type)).length);
  }
}, 120_000);

it("each guest more costs at most five resources, however many there are", () => {
  const [few = 0, more = 0, many = 0] = sizes.map((guests) => counts.get(guests));
  const each = (more - few) / step;
  expect(each).toBeGreaterThan(3);
  expect(each).toBeLessThanOrEqual(mostResourcesAGuest);
  expect((many - more) / step).toBe(each);
});

it("a synthetic site of a thousand guests is valid", () => {
  expect(parseSite(syntheticSite(1000)).guests).toHaveLength(1000);
});

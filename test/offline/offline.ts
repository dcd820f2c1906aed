import type { AnyResource, ProviderDefinition } from "../../infra/provider/resource.ts";
import type { Properties } from "../../infra/provider/values.ts";

/** What a resource computes for itself, by type; inputs are outputs anyway. */
const computed: Readonly<Record<string, (name: string, inputs: Properties) => object>> = {
  "hosts:index:Delivery": () => ({ contentHash: "0".repeat(64), installed: {} }),
  "pbs:index:ApiToken": (name, { userid, tokenName }) => ({
    tokenId: `${userid}!${tokenName}`,
    value: `planted-token-secret-of-${name}`,
  }),
  "proxmoxve:storage/pbs:Pbs": (name) => ({ generatedEncryptionKey: `planted-encryption-key-of-${name}` }),
  "aws:s3/bucket:Bucket": (name) => ({ arn: `arn:aws:s3:::${name}` }),
  "aws:kms/key:Key": (name) => ({ arn: arnOf("kms", name), keyId: name }),
  "aws:iam/accessKey:AccessKey": (name) => ({ secret: `planted-access-secret-of-${name}` }),
};

/** Ids that other resources refer to as the product forms them. */
const ids: Readonly<Record<string, (inputs: Properties) => string>> = {
  "proxmoxve:download/file:File": ({ datastoreId, contentType, fileName }) =>
    `${datastoreId}:${contentType}/${fileName}`,
};

/** Types that talk to no server: they are what they are. */
const local: ReadonlySet<string> = new Set([
  "hosts:index:SshKey",
  "hosts:index:Password",
  "hosts:index:CertificateAuthority",
  "hosts:index:Certificate",
  "hosts:index:GuestImages",
]);

/** A provider that checks and compares as the real one does, but makes nothing: its servers are not asked. */
export function offline<Client, Config>(
  definition: ProviderDefinition<Client, Config>,
): ProviderDefinition<Client | null, Config> {
  return {
    ...definition,
    connect: () => null,
    resources: definition.resources.map((resource) =>
      local.has(resource.token) ? resource : recordOnly(resource),
    ) as AnyResource<Client | null>[],
    // An answer that nobody gave would be made up.
    functions: [],
  };
}

function recordOnly<Client>(resource: AnyResource<Client>): AnyResource<Client> {
  const service = /^aws:(\w+)\//.exec(resource.token)?.[1];
  const outputsOf = (urn: string, inputs: Properties) =>
    computed[resource.token]?.(nameOf(urn), inputs) ??
    (service === undefined ? {} : { arn: arnOf(service, nameOf(urn)) });
  return {
    ...resource,
    create: async ({ urn }, inputs) => ({
      id: ids[resource.token]?.(inputs) ?? nameOf(urn),
      outputs: outputsOf(urn, inputs),
    }),
    read: async ({ urn }, _id, recorded) => ({
      inputs: recorded.inputs,
      outputs: outputsOf(urn, recorded.inputs),
    }),
    update: async ({ urn }, _id, _recorded, wanted) => outputsOf(urn, wanted),
    delete: async () => {},
  };
}

function arnOf(service: string, name: string): string {
  return `arn:aws:${service}:eu-central-1:000000000000:${name}`;
}

function nameOf(urn: string): string {
  return urn.split("::").at(-1) ?? urn;
}

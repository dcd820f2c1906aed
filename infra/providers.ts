import type { Region } from "@pulumi/aws";
// By part: the package as a whole takes three times as long to load, in every preview.
import { Provider as AwsProvider, type ProviderArgs as AwsProviderArgs } from "@pulumi/aws/provider.js";
import { type Input, interpolate, type ProviderResource } from "@pulumi/pulumi";
import { grafana, proxmoxve } from "./packages.ts";
import type * as pbs from "./pbs/sdk.ts";
import type { Settings } from "./settings.ts";
import type { Site } from "./site.ts";

/** A Grafana that the program itself installs. */
export interface InstalledGrafana {
  readonly url: string;
  readonly user: string;
  readonly password: Input<string>;
  /** PEM of the authority that vouches for it. */
  readonly authority: Input<string>;
}

/** Explicit connections, so that nothing is ever made through whatever the environment happens to hold. */
export function createProviders(
  settings: Settings,
  site: Site,
  backupServer: pbs.Provider,
  installed: InstalledGrafana | undefined,
): ProviderResource[] {
  return [
    new proxmoxve.Provider("proxmox", {
      endpoint: settings.proxmox.endpoint,
      apiToken: settings.proxmox.token,
      insecure: false,
      ssh: { agent: true, username: settings.proxmox.sshUsername },
    }),
    backupServer,
    new AwsProvider("archive", {
      region: site.archive.region as Region,
      defaultTags: { tags: { site: site.name, "managed-by": "pulumi" } },
      ...(settings.aws.credentials ?? {}),
      ...(settings.aws.store === undefined ? {} : compatibleStore(settings.aws.store.endpoint)),
    }),
    new grafana.Provider("grafana", grafanaAccess(settings, installed)),
  ];
}

function grafanaAccess({ grafana: elsewhere }: Settings, installed: InstalledGrafana | undefined) {
  if (installed) {
    const { url, user, password, authority } = installed;
    return { url, auth: interpolate`${user}:${password}`, caCert: authority };
  }
  if (elsewhere) return { url: elsewhere.url, auth: elsewhere.token };
  throw new Error("there is no Grafana: neither does the site install one, nor do the settings name one");
}

/** What a store that is not AWS needs: all services at one address, and no calls to what only AWS has. */
function compatibleStore(endpoint: string): AwsProviderArgs {
  return {
    endpoints: [{ s3: endpoint, iam: endpoint, kms: endpoint, sns: endpoint, sts: endpoint }],
    s3UsePathStyle: true,
    skipCredentialsValidation: true,
    skipMetadataApiCheck: true,
    skipRequestingAccountId: true,
  };
}

import * as proxmoxve from "@muhlba91/pulumi-proxmoxve";
import * as aws from "@pulumi/aws";
import type { ProviderResource } from "@pulumi/pulumi";
import * as grafana from "@pulumiverse/grafana";
import * as pbs from "./pbs/sdk.ts";
import type { Settings } from "./settings.ts";
import type { Site } from "./site.ts";

/** Explicit connections, so that nothing is ever made through whatever the environment happens to hold. */
export function createProviders(settings: Settings, site: Site): ProviderResource[] {
  return [
    new proxmoxve.Provider("proxmox", {
      endpoint: settings.proxmox.endpoint,
      apiToken: settings.proxmox.token,
      insecure: false,
      ssh: { agent: true, username: settings.proxmox.sshUsername },
    }),
    new pbs.Provider("pbs", {
      url: settings.pbs.endpoint,
      tokenId: settings.pbs.tokenId,
      tokenSecret: settings.pbs.tokenSecret,
      ...(settings.pbs.fingerprint === undefined ? {} : { fingerprint: settings.pbs.fingerprint }),
    }),
    new aws.Provider("archive", {
      region: site.archive.region as aws.Region,
      defaultTags: { tags: { site: site.name, "managed-by": "pulumi" } },
      ...(settings.aws.credentials ?? {}),
      ...(settings.aws.endpoint === undefined ? {} : compatibleStore(settings.aws.endpoint)),
    }),
    new grafana.Provider("grafana", { url: settings.grafana.url, auth: settings.grafana.token }),
  ];
}

/** What a store that is not AWS needs: all services at one address, and no calls to what only AWS has. */
function compatibleStore(endpoint: string): aws.ProviderArgs {
  return {
    endpoints: [{ s3: endpoint, iam: endpoint, kms: endpoint, sns: endpoint, sts: endpoint }],
    s3UsePathStyle: true,
    skipCredentialsValidation: true,
    skipMetadataApiCheck: true,
    skipRequestingAccountId: true,
  };
}

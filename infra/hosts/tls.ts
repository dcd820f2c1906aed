import type * as pulumi from "@pulumi/pulumi";
import { stringify } from "yaml";
import { type Contribution, type HostFile, plainFile } from "./contribution.ts";
import type { KeyPair } from "./provider/certificate-sdk.ts";

/** Where certificates and keys lie on a host. */
export const tlsDirectory = "/etc/lab/tls";

/** Every authority that the lab trusts. */
export const authorityPath = `${tlsDirectory}/ca.pem`;

/** Where a service's certificate and key lie. */
export function tlsPaths(service: string): { readonly certificate: string; readonly key: string } {
  return { certificate: `${tlsDirectory}/${service}.pem`, key: `${tlsDirectory}/${service}.key` };
}

/** What every host that speaks or checks TLS needs. */
export function trustedAuthorities(trusted: pulumi.Input<string>): Contribution {
  return {
    directories: [{ path: tlsDirectory, mode: "0755", owner: "root", group: "root" }],
    files: [plainFile(authorityPath, trusted)],
  };
}

/**
 * A service's certificate, and its key for the account alone that it runs as.
 * @param activates units to be reloaded after a renewal; none where the service reads the files at each handshake
 */
export function keyPairFiles(
  service: string,
  account: string,
  { certificate, privateKey }: KeyPair,
  activates: readonly string[] = [],
): HostFile[] {
  const paths = tlsPaths(service);
  return [
    plainFile(paths.certificate, certificate, activates),
    {
      path: paths.key,
      content: privateKey,
      mode: "0600",
      owner: account,
      group: account,
      sensitive: true,
      activates,
    },
  ];
}

/**
 * The web configuration of a Prometheus program (exporter-toolkit 0.12 and newer), with TLS as its own certificate.
 * The programs read it, and the files that it names, again at every handshake: a renewal needs no reload.
 */
function webConfiguration(service: string, tls: object, rest: object = {}): string {
  const paths = tlsPaths(service);
  return stringify({
    tls_server_config: {
      cert_file: paths.certificate,
      key_file: paths.key,
      // Prometheus, Grafana and browsers all speak it.
      min_version: "TLS13",
      ...tls,
    },
    ...rest,
  });
}

/** For an exporter: nobody is answered who has no certificate of the lab's authority for this name. */
export function exporterWebConfiguration(service: string, clientName: string): string {
  return webConfiguration(service, {
    client_auth_type: "RequireAndVerifyClientCert",
    client_ca_file: authorityPath,
    client_allowed_sans: [clientName],
  });
}

/** For what people and Grafana use: TLS and a login. */
export function loginWebConfiguration(service: string, user: string, bcryptHash: string): string {
  return webConfiguration(service, {}, { basic_auth_users: { [user]: bcryptHash } });
}

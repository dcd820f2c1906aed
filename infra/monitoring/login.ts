import * as pulumi from "@pulumi/pulumi";
import type { HostFile } from "../hosts/contribution.ts";
import { loginWebConfiguration } from "../hosts/tls.ts";

/** Who may use Prometheus and Alertmanager: people, Grafana, and the two among themselves. */
export interface MonitoringLogin {
  readonly user: string;
  readonly password: pulumi.Input<string>;
  /** Of the password, always the same. */
  readonly bcryptHash: pulumi.Input<string>;
}

/** The account of that login. */
export const monitoringUser = "lab";

/** The web configuration of a service that asks for the login. */
export function loginFile(path: string, service: string, { user, bcryptHash }: MonitoringLogin): HostFile {
  return {
    path,
    content: pulumi.output(bcryptHash).apply((hash) => loginWebConfiguration(service, user, hash)),
    mode: "0600",
    owner: service,
    group: service,
    sensitive: true,
  };
}

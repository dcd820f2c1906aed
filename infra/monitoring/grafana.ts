import * as pulumi from "@pulumi/pulumi";
import { dashboards, renderDashboard } from "../../dashboards/index.ts";
import { grafana } from "../packages.ts";
import type { MonitoringLogin } from "./login.ts";

export interface GrafanaArgs {
  readonly folderTitle: string;
  /** The address at which Grafana reaches Prometheus. */
  readonly prometheusUrl: string;
  /** PEM of the authority that vouches for Prometheus. */
  readonly authority: pulumi.Input<string>;
  readonly login: MonitoringLogin;
}

/** Folder, data source and dashboards on an existing Grafana. */
export class Grafana extends pulumi.ComponentResource {
  constructor(name: string, args: GrafanaArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lab:monitoring:Grafana", name, {}, opts);
    const child = { parent: this };
    const folder = new grafana.oss.Folder(name, { title: args.folderTitle, uid: "lab" }, child);
    new grafana.oss.DataSource(
      name,
      {
        name: "Prometheus (lab)",
        uid: "lab-prometheus",
        type: "prometheus",
        url: args.prometheusUrl,
        accessMode: "proxy",
        basicAuthEnabled: true,
        basicAuthUsername: args.login.user,
        jsonDataEncoded: JSON.stringify({ tlsAuthWithCACert: true }),
        secureJsonDataEncoded: pulumi.secret(
          pulumi
            .all([args.login.password, args.authority])
            .apply(([basicAuthPassword, tlsCACert]) => JSON.stringify({ basicAuthPassword, tlsCACert })),
        ),
      },
      child,
    );
    for (const [uid, dashboard] of dashboards()) {
      new grafana.oss.Dashboard(
        uid,
        { folder: folder.uid, configJson: renderDashboard(dashboard), overwrite: true },
        child,
      );
    }
    this.registerOutputs({});
  }
}

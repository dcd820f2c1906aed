import * as pulumi from "@pulumi/pulumi";
import { type FigureName, limitOf, type Overrides } from "../../alert-rules/thresholds.ts";
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
  /** Figures that the site has of its own. */
  readonly thresholds: Overrides;
  /** Age of the last validated dump at which an alert is due, in hours. */
  readonly maximumDumpAgeHours: number;
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
    const { thresholds, maximumDumpAgeHours } = args;
    const figures = { limit: (name: FigureName) => limitOf(name, thresholds), maximumDumpAgeHours };
    for (const [uid, dashboard] of dashboards(figures)) {
      new grafana.oss.Dashboard(
        uid,
        { folder: folder.uid, configJson: renderDashboard(dashboard), overwrite: true },
        child,
      );
    }
    this.registerOutputs({});
  }
}

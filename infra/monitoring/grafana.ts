import * as pulumi from "@pulumi/pulumi";
import * as grafana from "@pulumiverse/grafana";
import { dashboards, renderDashboard } from "../../dashboards/index.ts";

export interface GrafanaArgs {
  readonly folderTitle: string;
  /** The address at which Grafana reaches Prometheus. */
  readonly prometheusUrl: string;
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

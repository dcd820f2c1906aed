import { provider as hosts } from "../../infra/hosts/provider/provider.ts";
import { pbs } from "../../infra/pbs/provider.ts";
import { serve } from "../../infra/provider/server.ts";
import { awsProvider } from "../../rehearsal/providers/aws/provider.ts";
import { grafanaProvider } from "../../rehearsal/providers/grafana/provider.ts";
import { proxmoxveProvider } from "../../rehearsal/providers/proxmoxve/provider.ts";
import { offline } from "./offline.ts";

/**
 * Every provider of the lab without what it talks to: `pulumi up` records what it would have made. Serves them on free
 * loopback ports, prints the ports by package as its first line, and ends on SIGTERM or with its parent.
 */
const ports = {
  hosts: (await serve(offline(hosts))).port,
  pbs: (await serve(offline(pbs))).port,
  aws: (await serve(offline(awsProvider))).port,
  grafana: (await serve(offline(grafanaProvider))).port,
  proxmoxve: (await serve(offline(proxmoxveProvider))).port,
};
process.once("SIGTERM", () => process.exit(0));
process.stdout.write(`${JSON.stringify(ports)}\n`);

const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) process.exit(0);
}, 1000).unref();

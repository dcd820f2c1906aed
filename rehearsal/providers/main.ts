import { serve } from "../../infra/provider/server.ts";
import { awsProvider } from "./aws/provider.ts";
import { grafanaProvider } from "./grafana/provider.ts";
import { proxmoxveProvider } from "./proxmoxve/provider.ts";

/**
 * The stand-in providers: `node rehearsal/providers/main.ts` serves them on free loopback ports, prints
 * `{"aws":port,"proxmoxve":port,"grafana":port}` as its first line and ends on SIGTERM.
 */
const [aws, proxmoxve, grafana] = await Promise.all([
  serve(awsProvider),
  serve(proxmoxveProvider),
  serve(grafanaProvider),
]);
process.once("SIGTERM", () => process.exit(0));
process.stdout.write(
  `${JSON.stringify({ aws: aws.port, proxmoxve: proxmoxve.port, grafana: grafana.port })}\n`,
);

// A command that was killed could not end it.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) process.exit(0);
}, 1000).unref();

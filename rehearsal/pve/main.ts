/** Serves the simulated Proxmox VE cluster until SIGTERM or SIGINT. Guests go on running after that. */
import { Command } from "commander";
import { openCallLog } from "../lib/call-log.ts";
import { readJson } from "../lib/files.ts";
import { bootNodes, removeLeftOverLocks } from "./boot.ts";
import { configSchema, type SimulatorConfig } from "./config.ts";
import { runDueJobs, skipMissedJobs } from "./scheduler.ts";
import { startServer } from "./server.ts";
import { openSimulator } from "./simulator.ts";

/** The nodes' schedulers look once a minute; more often costs nothing here. */
const schedulerIntervalMs = 10_000;

interface Options {
  state: string;
  address: string;
  port: string;
  cert: string;
  key: string;
  config: string;
  boot: boolean;
}

async function readConfig(path: string): Promise<SimulatorConfig> {
  const value = await readJson(path);
  if (value === undefined) throw new Error(`${path} does not exist`);
  const checked = configSchema.safeParse(value);
  if (checked.success) return checked.data;
  const problems = checked.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw new Error(`${path} is not a configuration of this program:\n${problems.join("\n")}`);
}

const options = new Command("pve")
  .description("Simulated Proxmox VE cluster with real guests")
  .requiredOption("--state <folder>", "state folder")
  .requiredOption("--config <file>", "configuration file (JSON)")
  .requiredOption("--cert <file>", "TLS certificate (PEM)")
  .requiredOption("--key <file>", "TLS private key (PEM)")
  .option("--boot", "start the guests that start with their node, as a node does when it boots", false)
  .option("--address <address>", "address to listen on", "127.0.0.1")
  .option("--port <port>", "port to listen on; 0 takes a free one", "8006")
  .parse()
  .opts<Options>();

try {
  const sim = await openSimulator(options.state, await readConfig(options.config));
  await removeLeftOverLocks(sim);
  await skipMissedJobs(sim);
  if (options.boot) await bootNodes(sim);
  const server = await startServer(sim, {
    address: options.address,
    port: Number(options.port),
    tls: { certPath: options.cert, keyPath: options.key },
    onExchange: openCallLog("pve"),
  });
  const stop = () => {
    server.close().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`${String(error)}\n`);
        process.exit(1);
      },
    );
  };
  setInterval(() => {
    runDueJobs(sim).catch((error: unknown) => process.stderr.write(`${String(error)}\n`));
  }, schedulerIntervalMs).unref();
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  process.stdout.write(`listening on ${server.url}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

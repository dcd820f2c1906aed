import { writeSync } from "node:fs";
import { connect } from "node:net";
import { parseArgs } from "node:util";
import type { ProviderDefinition } from "./resource.ts";
import { serve } from "./server.ts";

/** Runs a provider as a plugin process: the engine reads the port from the first line of standard output. */
export async function main<Client, Config>(definition: ProviderDefinition<Client, Config>): Promise<void> {
  const { positionals } = parseArgs({ args: process.argv.slice(2), strict: false, allowPositionals: true });
  const { port } = await serve(definition, positionals[0]);
  writeSync(1, `${port}\n`);
  if (positionals[0] !== undefined) exitWithEngine(positionals[0]);
}

const engineCheckMs = 2000;

/** Ends this process when the engine is gone: one that was killed could not end its plugins. */
function exitWithEngine(address: string): void {
  const { hostname: host, port } = new URL(`http://${address}`);
  setInterval(() => {
    const socket = connect({ host, port: Number(port) });
    socket.once("connect", () => socket.destroy());
    socket.once("error", () => process.exit(0));
  }, engineCheckMs).unref();
}

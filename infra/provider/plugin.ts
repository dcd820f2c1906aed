import { writeSync } from "node:fs";
import { connect } from "node:net";
import { parseArgs } from "node:util";
import type { ProviderDefinition } from "./resource.ts";
import { serve } from "./server.ts";

/**
 * Runs a provider as a plugin process: the engine reads the port from the first line of standard output. Its address is
 * the last argument, after flags of which some have values of their own.
 */
export async function main<Client, Config>(definition: ProviderDefinition<Client, Config>): Promise<void> {
  const { values, positionals } = parseArgs({
    args: process.argv.slice(2),
    options: { help: { type: "boolean" }, version: { type: "boolean" } },
    strict: false,
    allowPositionals: true,
  });
  if (values.help === true) return say(helpOf(definition.name));
  if (values.version === true) return say(definition.version);
  const engine = positionals.at(-1);
  // An engine ends its plugins by SIGINT. Only a process that exits keeps what it compiled for the next (NODE_COMPILE_CACHE).
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(0));
  const { port } = await serve(definition, engine);
  say(String(port));
  if (engine !== undefined) return exitWithEngine(engine);
  writeSync(
    2,
    `Provider ${definition.name} ${definition.version} serves on port ${port} until it is interrupted. ` +
      `An engine uses it with PULUMI_DEBUG_PROVIDERS=${definition.name}:${port}; otherwise it starts one itself.\n`,
  );
}

function helpOf(name: string): string {
  return [
    `pulumi-resource-${name} is a plugin of Pulumi, which starts it: run \`pulumi up\`.`,
    "",
    `Usage: pulumi-resource-${name} [--help | --version | ENGINE]`,
    "ENGINE is host:port of the engine that it works for. It prints the port on which it serves, and ends with its",
    "engine; without one, it serves until it is interrupted, for an engine with PULUMI_DEBUG_PROVIDERS.",
  ].join("\n");
}

function say(text: string): void {
  writeSync(1, `${text}\n`);
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

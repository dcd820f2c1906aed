/** Serves one recorded guest until SIGTERM or SIGINT. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { readSeed } from "./seed.ts";
import { serveRecord } from "./server.ts";

interface Options {
  readonly folder: string;
  readonly address: string;
  readonly port: string;
}

const { folder, address, port } = new Command("record")
  .description("A guest that is a record: it takes deliveries into a folder and runs nothing")
  .requiredOption("--folder <folder>", "the guest's folder, with its user-data")
  .requiredOption("--address <address>", "address to listen on")
  .requiredOption("--port <port>", "port to listen on; 0 takes a free one")
  .parse()
  .opts<Options>();

const seed = readSeed(await readFile(join(folder, "user-data"), "utf8"));
const server = await serveRecord({ folder }, seed, { address, port: Number(port) });
const stop = () => process.exit(0);
process.once("SIGTERM", stop);
process.once("SIGINT", stop);
process.stdout.write(`${seed.hostname}: listening on ${address} port ${server.port}\n`);

import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { startGrafana } from "./server.ts";

/**
 * `node rehearsal/grafana/main.ts --folder FOLDER --token-file FILE [--host ADDRESS] [--port N]` prints `{"url":…}`
 * as its first line and ends on SIGTERM. The file holds the service-account token.
 */
const { values } = parseArgs({
  options: {
    folder: { type: "string" },
    "token-file": { type: "string" },
    host: { type: "string", default: "127.0.0.1" },
    port: { type: "string", default: "0" },
  },
});
const { folder, "token-file": tokenFile } = values;
if (folder === undefined || tokenFile === undefined) throw new Error("--folder and --token-file are needed");
const token = (await readFile(tokenFile, "utf8")).trim();
if (token === "") throw new Error(`${tokenFile} is empty: it must hold the service-account token`);
const grafana = await startGrafana({ folder, token, address: values.host, port: Number(values.port) });
process.once("SIGTERM", () => void grafana.close());
console.log(JSON.stringify({ url: grafana.url }));

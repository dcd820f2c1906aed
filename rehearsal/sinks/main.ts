import { parseArgs } from "node:util";
import { startSinks } from "./server.ts";

/**
 * `node rehearsal/sinks/main.ts --folder FOLDER [--host ADDRESS] [--smtp-port N] [--http-port N]` prints
 * `{"smtp":"HOST:PORT","http":"URL"}` as its first line and ends on SIGTERM.
 */
const { values } = parseArgs({
  options: {
    folder: { type: "string" },
    host: { type: "string", default: "127.0.0.1" },
    "smtp-port": { type: "string", default: "0" },
    "http-port": { type: "string", default: "0" },
  },
});
if (values.folder === undefined) throw new Error("--folder is needed: where the messages are kept");
const sinks = await startSinks({
  address: values.host,
  smtpPort: Number(values["smtp-port"]),
  httpPort: Number(values["http-port"]),
  folder: values.folder,
});
process.once("SIGTERM", () => void sinks.close());
console.log(JSON.stringify({ smtp: `${values.host}:${sinks.smtp.port}`, http: sinks.http.url }));

import { parseArgs } from "node:util";
import { startMirror } from "./server.ts";

/**
 * `node rehearsal/mirror/main.ts --folder FOLDER [--host ADDRESS] [--port N]` prints `{"url":…}` as its first line
 * and ends on SIGTERM.
 */
const { values } = parseArgs({
  options: {
    folder: { type: "string" },
    host: { type: "string", default: "127.0.0.1" },
    port: { type: "string", default: "0" },
  },
});
if (values.folder === undefined) throw new Error("--folder is needed: where the registered files are");
const mirror = await startMirror({ folder: values.folder, address: values.host, port: Number(values.port) });
process.once("SIGTERM", () => void mirror.close());
console.log(JSON.stringify({ url: mirror.url }));

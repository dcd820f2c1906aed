import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { z } from "zod";
import { readJson } from "../../lib/files.ts";
import { startProxy } from "./server.ts";

/**
 * The S3 server with what AWS enforces in front of it, as a process: `node rehearsal/s3/proxy/main.ts --moto-server
 * FILE --folder FOLDER --root-file FILE --cert FILE --key FILE [--host ADDRESS] [--port N] [--plain-port N]`. The root
 * file holds `{"accessKeyId":…,"secretAccessKey":…}`. Prints `{"url":…,"plainUrl":…}` as its first line and ends on
 * SIGTERM, or when the server behind ends.
 */
const { values } = parseArgs({
  options: {
    "moto-server": { type: "string" },
    folder: { type: "string" },
    "root-file": { type: "string" },
    cert: { type: "string" },
    key: { type: "string" },
    host: { type: "string", default: "127.0.0.1" },
    port: { type: "string", default: "0" },
    "plain-port": { type: "string", default: "0" },
  },
});
const { "moto-server": motoServer, folder, "root-file": rootFile, cert, key, host } = values;
if (!motoServer || !folder || !rootFile || !cert || !key)
  throw new Error("--moto-server, --folder, --root-file, --cert and --key are needed");
const root = z
  .strictObject({ accessKeyId: z.string(), secretAccessKey: z.string() })
  .parse(await readJson(rootFile));

const motoToken = randomBytes(24).toString("hex");
const moto = spawn(
  process.execPath,
  [join(import.meta.dirname, "..", "main.ts"), "--moto-server", motoServer, "--folder", folder],
  { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, PROXY_TOKEN: motoToken } },
);
const ended = once(moto, "exit");
const lines = createInterface({ input: moto.stdout });
const line = await Promise.race([
  once(lines, "line").then(([text]) => String(text)),
  ended.then(([code]) => {
    throw new Error(`the S3 server behind the proxy ended with code ${code} before it listened`);
  }),
]);
const { url: motoUrl } = JSON.parse(line) as { url: string };

const proxy = await startProxy({
  address: host,
  port: Number(values.port),
  plainPort: Number(values["plain-port"]),
  tls: { certPath: cert, keyPath: key },
  folder,
  root,
  motoUrl,
  motoToken,
});
let stopping = false;
const stop = async () => {
  if (stopping) return;
  stopping = true;
  await proxy.close();
  moto.kill("SIGTERM");
  await ended;
  process.exit(0);
};
process.once("SIGTERM", () => void stop());
process.once("SIGINT", () => void stop());
void ended.then(([code, signal]) => {
  if (stopping) return;
  console.error(`the S3 server behind the proxy ended (${signal ?? code})`);
  process.exit(1);
});
process.stdout.write(`${JSON.stringify({ url: proxy.url, plainUrl: proxy.plainUrl })}\n`);

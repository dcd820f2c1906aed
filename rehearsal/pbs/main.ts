import { parseArgs } from "node:util";
import { openCallLog } from "../lib/call-log.ts";
import { readJson } from "../lib/files.ts";
import type { AdminTokens } from "./permissions.ts";
import { startSimulator } from "./server.ts";

const usage = `simulated Proxmox Backup Server

usage: node rehearsal/pbs/main.ts --state FOLDER --listen ADDRESS --port PORT --cert FILE --key FILE --tokens FILE

  --state   everything the server keeps; datastores are in FOLDER/root<path>
  --port    0 takes a free port; the first line of standard output is the URL
  --cert, --key   PEM files of the server's certificate
  --tokens  JSON file (mode 0600): {"root@pam!pulumi": "<secret>"}; these API tokens may do everything
`;

const { values } = parseArgs({
  options: {
    state: { type: "string" },
    listen: { type: "string", default: "127.0.0.1" },
    port: { type: "string", default: "8007" },
    cert: { type: "string" },
    key: { type: "string" },
    tokens: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

const { state, cert, key, tokens } = values;
if (values.help) {
  process.stdout.write(usage);
} else if (!state || !cert || !key || !tokens) {
  process.stderr.write(`--state, --cert, --key and --tokens are needed\n\n${usage}`);
  process.exitCode = 2;
} else {
  const simulator = await startSimulator({
    stateFolder: state,
    address: values.listen,
    port: Number(values.port),
    tls: { certPath: cert, keyPath: key },
    adminTokens: await readTokens(tokens),
    onExchange: openCallLog("pbs"),
  });
  const stop = () => {
    simulator.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  // Whoever reads this may stop the server at once.
  process.stdout.write(`${simulator.url}\n`);
}

async function readTokens(path: string): Promise<AdminTokens> {
  const tokens = await readJson(path);
  const isTokens =
    typeof tokens === "object" &&
    tokens !== null &&
    Object.entries(tokens).every(
      ([id, secret]) => /^[^!:]+@[^!:]+![^!:]+$/.test(id) && typeof secret === "string",
    );
  if (!isTokens)
    throw new Error(`${path} must be a JSON object of API token ids (name@realm!token) and secrets`);
  return tokens as AdminTokens;
}

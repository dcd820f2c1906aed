import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { isMissing } from "../lib/files.ts";

/**
 * The S3 server as a process: `node rehearsal/s3/main.ts --moto-server FILE --folder FOLDER [--host ADDRESS]
 * [--port N] [--tls-cert FILE --tls-key FILE]`. It becomes the Python process (same pid), prints `{"url":…}` as its
 * first line and ends on SIGTERM.
 */
const { values } = parseArgs({
  options: {
    "moto-server": { type: "string" },
    folder: { type: "string" },
    host: { type: "string", default: "127.0.0.1" },
    port: { type: "string", default: "0" },
    "tls-cert": { type: "string" },
    "tls-key": { type: "string" },
  },
});
const { "moto-server": motoServer, ...rest } = values;
if (motoServer === undefined || rest.folder === undefined) {
  throw new Error("--moto-server (the command of the Python package moto) and --folder are needed");
}
const python = await pythonOf(motoServer);
const flags = Object.entries(rest).flatMap(([name, value]) =>
  value === undefined ? [] : [`--${name}`, value],
);
if (process.execve === undefined) throw new Error("process.execve is missing: Node 24 on Linux is needed");
process.execve(python, [python, join(import.meta.dirname, "server.py"), ...flags], {
  ...process.env,
  // The folder of the sources must stay clean, whoever runs this.
  PYTHONDONTWRITEBYTECODE: "1",
});

/** The interpreter that a console script of a Python package runs in, from its first line. */
async function pythonOf(script: string): Promise<string> {
  const firstLine = await readFile(script, "utf8").then(
    (text) => text.split("\n", 1)[0] ?? "",
    (error: unknown) => {
      if (isMissing(error))
        throw new Error(`${script} does not exist: install the Python package moto[server,s3]`);
      throw error;
    },
  );
  const interpreter = /^#!(\S*python\S*)$/.exec(firstLine)?.[1];
  // Installers write a shell script where the path is too long for a first line.
  return interpreter ?? join(dirname(script), "python3");
}

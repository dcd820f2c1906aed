import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { findTool } from "../../tools/find.ts";

/** An S3 server that a test started. */
export interface TestServer {
  readonly url: string;
  readonly port: number;
  /** Resolves when the process is gone. */
  end(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
}

/** The `moto_server` command; undefined where it is not installed. */
export async function findMotoServer(): Promise<string | undefined> {
  return (await findTool("moto_server"))?.path;
}

/** Starts the S3 server as the rehearsal does. Fails with its output where it does not come up. */
export async function startS3(motoServer: string, folder: string, port = 0): Promise<TestServer> {
  const args = [join(import.meta.dirname, "main.ts"), "--moto-server", motoServer, "--folder", folder];
  const child = spawn(process.execPath, [...args, "--port", String(port)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-4000);
  });
  const ended = once(child, "exit");
  const line = await Promise.race([
    once(createInterface({ input: child.stdout }), "line").then(([text]) => String(text)),
    ended.then(() => {
      throw new Error(`the S3 server ended before it listened:\n${errors}`);
    }),
  ]);
  const { url } = JSON.parse(line) as { url: string };
  return {
    url,
    port: Number(new URL(url).port),
    end: async (signal) => {
      child.kill(signal);
      await ended;
    },
  };
}

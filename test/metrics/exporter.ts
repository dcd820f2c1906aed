import { createInterface } from "node:readline";
import { execa } from "execa";

/** A program that shows metrics, started for a test on a port of its own choice. */
export interface Exporter extends AsyncDisposable {
  /** Its page of metrics. Fails where it does not answer with one. */
  scrape(): Promise<string>;
}

const startTimeoutSeconds = 20;

/**
 * Starts a program of the Prometheus projects and waits until it listens; the arguments must leave the port to the
 * system (`--web.listen-address=127.0.0.1:0`). Fails with what it said where it ends before that.
 */
export async function startExporter(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Exporter> {
  const child = execa(program, args, {
    env: environment,
    stdin: "ignore",
    stdout: "ignore",
    reject: false,
    buffer: false,
  });
  const said: string[] = [];
  const lines = createInterface({ input: child.stderr });
  const address = new Promise<string>((resolve, reject) => {
    const failed = (reason: string) =>
      reject(new Error(`${program} ${reason}:\n${said.slice(-5).join("\n")}`));
    const timer = setTimeout(() => failed("does not listen"), startTimeoutSeconds * 1000);
    lines.on("line", (line) => {
      said.push(line);
      const [, found] = /msg="Listening on" .*?address=(\S+)/.exec(line) ?? [];
      if (found === undefined) return;
      clearTimeout(timer);
      resolve(found);
    });
    lines.on("close", () => {
      clearTimeout(timer);
      failed("ended");
    });
  });
  const stop = async () => {
    child.kill("SIGTERM");
    await child;
  };
  try {
    const url = `http://${await address}/metrics`;
    return {
      async scrape() {
        const answer = await fetch(url, { signal: AbortSignal.timeout(startTimeoutSeconds * 1000) });
        const page = await answer.text();
        if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}: ${page}`);
        return page;
      },
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

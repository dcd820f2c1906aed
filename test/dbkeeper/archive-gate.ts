import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * What happens to a request: it passes, is cut in its middle, is held for ever, is done without its answer coming back,
 * or is answered without a word of a restore, as if that had only just been asked for.
 */
type Fate = "pass" | "cut" | "hold" | "mute" | "forget";

/** A way to an S3 server on which requests are seen and can be lost. */
export interface Gate {
  readonly url: string;
  /** Every request so far, as `PUT part 2 /bucket/key`. */
  readonly seen: string[];
  /** Decides over each request by its description. Default: all pass. */
  decide: (description: string) => Fate;
  close(): Promise<void>;
}

/** Opens a gate before a server that takes plain requests, and may be elsewhere after a restart. */
export async function openGate(target: () => string): Promise<Gate> {
  const seen: string[] = [];
  const gate = { url: "", seen, decide: (): Fate => "pass", close: () => Promise.resolve() } as {
    -readonly [Key in keyof Gate]: Gate[Key];
  };
  const server = createServer((incoming, outgoing) => {
    const description = describe(incoming);
    seen.push(description);
    const fate = gate.decide(description);
    if (fate === "hold") return;
    if (fate === "cut") incoming.once("data", () => incoming.socket.destroy());
    else forward(target(), incoming, outgoing, fate);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  gate.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  gate.close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return gate;
}

function forward(target: string, incoming: IncomingMessage, outgoing: ServerResponse, fate: Fate): void {
  const { method, url, headers } = incoming;
  const { hostname, port } = new URL(target);
  // The host stays as it was signed.
  const onward = request({ hostname, port, method, path: url, headers }, (answer) => {
    if (fate === "mute") {
      answer.resume().once("end", () => incoming.socket.destroy());
      return;
    }
    if (fate === "forget") delete answer.headers["x-amz-restore"];
    outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
    answer.pipe(outgoing);
  });
  onward.once("error", () => incoming.socket.destroy());
  incoming.pipe(onward);
}

function describe({ method, url = "" }: IncomingMessage): string {
  const { pathname, searchParams } = new URL(url, "http://gate");
  const part = searchParams.get("partNumber");
  const what = part !== null ? `part ${part} ` : searchParams.has("uploadId") ? "upload " : "";
  return `${method} ${what}${pathname}`;
}

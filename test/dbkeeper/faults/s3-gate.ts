import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type FaultKind, fateHeader } from "./kinds.ts";

/** A way to an S3 server on which each request may say, in a header, what is to become of it. */
export interface FaultyGate {
  readonly url: string;
  /** Done once, when a megabyte of an answer has passed. */
  halfway: (() => Promise<void>) | undefined;
  close(): Promise<void>;
}

/** Opens a gate before a server that takes plain requests. */
export async function openFaultyGate(target: string): Promise<FaultyGate> {
  const onwards = new Agent({ keepAlive: true });
  const server = createServer((incoming, outgoing) => {
    const fate = incoming.headers[fateHeader] as FaultKind | undefined;
    delete incoming.headers[fateHeader];
    if (fate === "cut-before") incoming.socket.destroy();
    else if (fate === "status-500") refuse(incoming, outgoing, 500, "InternalError");
    else if (fate === "status-503") refuse(incoming, outgoing, 503, "SlowDown");
    else forward({ target, onwards, gate }, incoming, outgoing, fate);
  });
  const gate: { -readonly [Key in keyof FaultyGate]: FaultyGate[Key] } = {
    url: "",
    halfway: undefined,
    async close() {
      // Requests of programs that were killed in their middle never end by themselves.
      onwards.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  gate.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return gate;
}

function refuse(incoming: IncomingMessage, outgoing: ServerResponse, status: number, code: string): void {
  incoming.resume().once("end", () => {
    outgoing.writeHead(status, { "content-type": "application/xml" });
    outgoing.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>injected</Message></Error>`);
  });
}

function forward(
  { target, onwards, gate }: { target: string; onwards: Agent; gate: FaultyGate },
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  fate: FaultKind | undefined,
): void {
  const { method, url, headers } = incoming;
  const { hostname, port } = new URL(target);
  if (fate === "cut-middle" && method !== "GET" && Number(headers["content-length"] ?? 0) > 0) {
    incoming.once("data", () => incoming.socket.destroy());
    return;
  }
  // The host stays as it was signed.
  const onward = request({ hostname, port, method, path: url, headers, agent: onwards }, (answer) => {
    if (fate === "answer-lost" || (fate === "cut-middle" && method !== "GET")) {
      answer.resume().once("end", () => incoming.socket.destroy());
      return;
    }
    outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
    if (fate === "cut-middle") {
      answer.once("data", (chunk: Buffer) => {
        answer.destroy();
        outgoing.write(chunk.subarray(0, chunk.length >> 1), () => incoming.socket.destroy());
      });
    } else if (gate.halfway !== undefined && method === "GET")
      passWithBreak(answer, outgoing, gate).catch(() => outgoing.destroy());
    else answer.pipe(outgoing);
  });
  onward.once("error", () => incoming.socket.destroy());
  outgoing.once("close", () => {
    if (!outgoing.writableFinished) onward.destroy();
  });
  incoming.pipe(onward);
}

async function passWithBreak(
  answer: IncomingMessage,
  outgoing: ServerResponse,
  gate: FaultyGate,
): Promise<void> {
  let passed = 0;
  for await (const chunk of answer) {
    outgoing.write(chunk);
    passed += (chunk as Buffer).length;
    const { halfway } = gate;
    if (passed < 1024 ** 2 || halfway === undefined) continue;
    gate.halfway = undefined;
    await halfway();
  }
  outgoing.end();
}

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A subscriber of the topic: the bodies that it was sent so far. */
export async function receiveNotices(): Promise<{
  readonly port: number;
  readonly notices: readonly string[];
  close(): void;
}> {
  const notices: string[] = [];
  const endpoint = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.once("end", () => {
      notices.push(body);
      response.end();
    });
  });
  endpoint.listen(0, "127.0.0.1");
  await once(endpoint, "listening");
  return { port: (endpoint.address() as AddressInfo).port, notices, close: () => endpoint.close() };
}

import { createServer } from "node:net";

/**
 * A TCP port that is free on the address now. Another program may take it before it is used, so remember the
 * port once it is bound and be ready to ask again.
 *
 * @param address default 127.0.0.1
 */
export function freePort(address = "127.0.0.1"): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, address, () => {
      const bound = server.address();
      server.close(() => {
        if (bound && typeof bound === "object") resolve(bound.port);
        else reject(new Error(`no free TCP port on ${address}`));
      });
    });
  });
}

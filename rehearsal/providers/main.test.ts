import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, it } from "vitest";

it("serves all three packages on ports that it names, until SIGTERM", async () => {
  const child = spawn(process.execPath, [join(import.meta.dirname, "main.ts")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  try {
    const [line] = await once(createInterface({ input: child.stdout }), "line");
    const ports = JSON.parse(String(line)) as Record<string, number>;
    expect(Object.keys(ports)).toEqual(["aws", "proxmoxve", "grafana"]);
    for (const port of Object.values(ports)) {
      const socket = connect(port, "127.0.0.1");
      await once(socket, "connect");
      socket.destroy();
    }
  } finally {
    child.kill("SIGTERM");
  }
  expect(await ended).toEqual([0, null]);
});
